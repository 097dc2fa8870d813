#include "audit/redact.hpp"

#include "audit/chain.hpp"
#include "sys/file.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;

TEST_CASE("the usual keys are taken out, whatever stands around them", "[audit][redact]")
{
  const std::pair<std::string, std::string> samples[] = {
    {R"({"a":"sk-ant-api03-abcdefghij0123456789"})", R"({"a":"[redacted: Anthropic key]"})"},
    {R"({"a":"key=sk-or-v1-0123456789abcdef0123"})", R"({"a":"key=[redacted: OpenRouter key]"})"},
    {R"({"u":"https://x:ghp_0123456789abcdefghij0123456789abcd@github.com/"})",
      R"({"u":"https://x:[redacted: GitHub token]@github.com/"})"},
    {R"({"h":"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-_123"})",
      R"({"h":"Bearer [redacted: JSON web token]"})"},
    {R"({"a":"key sk-or-v1-0123456789abcdef0123."})", R"({"a":"key [redacted: OpenRouter key]."})"},
    {R"({"t":"ghp_0123456789abcdefghij0123456789abcd"})", R"({"t":"[redacted: GitHub token]"})"},
    {R"({"t":"AKIA0123456789ABCDEF"})", R"({"t":"[redacted: AWS key]"})"},
    {R"({"k":"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\n"})",
      R"({"k":"[redacted: private key]\n"})"},
    {R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIabc"})", R"({"k":"[redacted: private key]"})"},
  };
  for (const auto& [text, wanted] : samples) {
    CHECK(Redactor().redacted(text) == wanted);
    CHECK(is_payload(Redactor().redacted(text)));
  }
}

TEST_CASE("what only looks a little like a key stays", "[audit][redact]")
{
  for (const std::string text :
    {
      R"({"id":"20261120T213000.123456Z-1f2e3d4c","sha256":"0123456789abcdef0123456789abcdef"})",
      R"({"a":"task-20261120T213000.123456Z-1f2e3d4c","b":"disk-usage-of-2026-and-before-that"})",
      R"({"a":"sk-word-with-many-hyphens-and-no-number"})",
      R"({"a":"-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----"})",
      R"({"p":"/srv/conos/agents/a/outbox/20261121T080750Z-x.response"})",
    }) {
    CHECK(Redactor().redacted(text) == text);
  }
}

TEST_CASE("the machine's own secrets are known by their digests", "[audit][redact]")
{
  TempDir dir;
  REQUIRE(remember_secret(dir.fd, "correct-horse-battery"));
  REQUIRE(remember_secret(dir.fd, "short"));
  REQUIRE(remember_secret(dir.fd, "correct-horse-battery"));
  CHECK(read_file(dir.fd, k_known_secrets, 1000).value().size() == 2 * 65);
  const auto redactor = Redactor::load(dir.fd).value();
  CHECK(redactor.redacted(R"({"a":"it is correct-horse-battery, short"})") ==
        R"({"a":"it is [redacted: secret of this machine], short"})");
}

TEST_CASE("without known secrets there is nothing to load", "[audit][redact]")
{
  TempDir dir;
  CHECK(Redactor::load(dir.fd).value().redacted("{}") == "{}");
}
