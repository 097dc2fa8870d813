#include "audit/chain.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;

namespace {

Digest from_hex(std::string_view text)
{
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] =
      static_cast<unsigned char>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16));
  }
  return digest;
}

} // namespace

TEST_CASE("SHA-256 gives the vectors of FIPS 180", "[audit][sha256]")
{
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("the chain is molt-os's, to the bit", "[audit][chain]")
{
  const auto first = from_hex("c5a2914434589dccba2a1fc745576522190172f3573efcbfb3b0b1a2127896ac");
  const Fields second{2, "2026-11-20T21:35:43.012Z", "memory.ingest", "x",
    R"({"category":null,"content":"hello","metadata":null,"source":"x","tags":null})"};
  const Fields third{
    3, "2026-11-20T21:35:43.041Z", "system.query", "agentd", R"({"args":null,"query":"hostname"})"};

  const auto second_hash = chain_hash(second, first);
  const auto third_hash = chain_hash(third, second_hash);

  CHECK(hex(second_hash) == "05bcdf8508a3881a86c8df8a8eeff247d04ab8fad191a0e064220b041a199294");
  CHECK(hex(third_hash) == "68e2f661771fabfad8c8416b7612bd71fcc588c86ca8bb08681c2d5791edddb3");
}

TEST_CASE("the preimage is the row's fields between pipes", "[audit][chain]")
{
  CHECK(preimage({1, "2026-11-20T21:35:43.000Z", "a.b", "root", "{}"}, k_genesis) ==
        "1|2026-11-20T21:35:43.000Z|a.b|root|{}|" + std::string(64, '0'));
}

TEST_CASE("types are noun.verb", "[audit][chain]")
{
  for (const auto* good : {"task.claimed", "a.b", "rows.suppressed", "note.follow_up"}) {
    CHECK(is_type(good));
  }
  for (const auto* bad : {"", ".", "task", "task.", ".claimed", "Task.claimed", "task.claimed.x",
         "task|x.y", "task.claimed ", "tas_k.claimed", "task.claimed2", "task.claimed\n"}) {
    CHECK_FALSE(is_type(bad));
  }
  CHECK_FALSE(is_type("a." + std::string(k_max_name_bytes, 'b')));
}

TEST_CASE("actors are users, uids, or a user and a program", "[audit][chain]")
{
  for (const auto* good : {"root", "a-sysadmin", "alice@example.org", "uid:1000", "root/conos-run",
         "x", "_apt", "host$"}) {
    CHECK(is_actor(good));
  }
  for (const auto* bad : {"", "uid:", "uid:x", "ro|ot", "root/", "/conos-run", "a b", "-x",
         "root/conos/run", "root/Conos", "a\nb", "\xc3\xa4"}) {
    CHECK_FALSE(is_actor(bad));
  }
  CHECK_FALSE(is_actor(std::string(k_max_name_bytes + 1, 'b')));
}

TEST_CASE("payloads are one JSON object on one line", "[audit][chain]")
{
  for (const auto* good : {"{}", R"({"a":1})", R"( {"a":{"b":[1,2,"|"]}} )", R"({"ä":"\n"})"}) {
    CHECK(check_fields("a.b", "root", good));
  }
  for (const auto* bad : {"", "[]", "1", "null", "\"{}\"", "{", "{}x", "{}{}", "{\"a\":1,}", "{\n}",
         "{\"a\":\"\xff\"}", "{\"a\":\"\t\"}"}) {
    CHECK(check_fields("a.b", "root", bad).error().kind == Kind::bad_data);
  }
  CHECK_FALSE(check_fields("a.b", "root", std::string_view("{}\0", 3)));
  const auto fill = [](std::size_t n) {
    return R"({"a":")" + std::string(n - 8, 'x') + R"("})";
  };
  CHECK(check_fields("a.b", "root", fill(k_max_payload_bytes)));
  CHECK_FALSE(check_fields("a.b", "root", fill(k_max_payload_bytes + 1)));

  const auto nest = [](std::size_t n) {
    return R"({"a":"[[[\"[","b":)" + std::string(n - 1, '[') + std::string(n - 1, ']') + "}";
  };
  CHECK(check_fields("a.b", "root", nest(k_max_payload_depth)));
  CHECK_FALSE(check_fields("a.b", "root", nest(k_max_payload_depth + 1)));
  CHECK_FALSE(check_fields("a.b", "root", nest(30'000)));
}

TEST_CASE("keys are a line of text", "[audit][chain]")
{
  for (const auto* good : {"", "fix-disk/1/task.claimed", "a b/ä\\n.task/12.34", "-"}) {
    CHECK(check_key(good));
  }
  CHECK(check_key(std::string(k_max_key_bytes, 'k')));
  for (const auto* bad : {"a\nb", "\x1b", "\xff"}) {
    CHECK(check_key(bad).error().kind == Kind::bad_data);
  }
  CHECK_FALSE(check_key(std::string_view("a\0b", 3)));
  CHECK_FALSE(check_key(std::string(k_max_key_bytes + 1, 'k')));
}
