#include "audit/exchange.hpp"

#include "audit/chain.hpp"
#include "audit/sha256.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;

namespace {

Exchange call()
{
  return {"http", "https://api.example.org/v1/send", sha256_hex("question"), sha256_hex("answer"),
    "200", "fix-disk"};
}

} // namespace

TEST_CASE("an exchange is a row", "[audit][exchange]")
{
  const auto row = row_of(call(), "root/conos-egress").value();

  CHECK(row.type == "receipt.issued");
  CHECK(row.payload ==
        R"({"kind":"http","request_sha256":")" + sha256_hex("question") +
          R"(","response_sha256":")" + sha256_hex("answer") +
          R"(","result":"200","to":"https://api.example.org/v1/send","why":"fix-disk"})");
  CHECK(check_fields(row.type, row.actor, row.payload));
}

TEST_CASE("one that got no answer, or hostile words, is a row too", "[audit][exchange]")
{
  auto silent = call();
  silent.response_sha256.reset();
  silent.why.reset();
  silent.result = "gone\n\x1b[31m" + std::string(100'000, 'x');
  silent.to = "\xff|\"";

  const auto row = row_of(silent, "root").value();

  CHECK(check_fields(row.type, row.actor, row.payload));
  CHECK(row.payload.find("response_sha256") == std::string::npos);
}

TEST_CASE("what is no exchange is refused", "[audit][exchange]")
{
  for (const auto* kind : {"", "HTTP", "a b"}) {
    auto bad = call();
    bad.kind = kind;
    CHECK(row_of(bad, "root").error().kind == Kind::usage);
  }
  auto bad = call();
  bad.request_sha256 = "4711";
  CHECK(row_of(bad, "root").error().kind == Kind::usage);
  bad = call();
  bad.response_sha256 = "";
  CHECK(row_of(bad, "root").error().kind == Kind::usage);
  bad = call();
  bad.to = "";
  CHECK(row_of(bad, "root").error().kind == Kind::usage);
}
