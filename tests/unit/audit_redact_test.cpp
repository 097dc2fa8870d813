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
  const auto text = read_file(dir.fd, k_known_secrets, 1000).value();
  CHECK(text == sha256_hex("correct-horse-battery") + " 21\n" + sha256_hex("short") + " 5\n");
  const auto redactor = Redactor::load(dir.fd).value();
  CHECK(redactor.redacted(R"({"a":"it is correct-horse-battery, short"})") ==
        R"({"a":"it is [redacted: secret of this machine], short"})");
}

TEST_CASE("a digest without a length, as older ones are, is of a whole word", "[audit][redact]")
{
  const auto redactor = Redactor::parse(sha256_hex("correct-horse-battery") + "\n");
  CHECK(redactor.redacted("a correct-horse-battery b") == "a [redacted: secret of this machine] b");
  CHECK(redactor.redacted("a correct-horse-battery-pack b") == "a correct-horse-battery-pack b");
}

TEST_CASE("a known secret is found wherever a value may stand", "[audit][redact]")
{
  Redactor redactor;
  redactor.know("correct-horse-battery");
  redactor.know("Y29ycmVjdA==");
  const std::string gone = "[redacted: secret of this machine]";
  const std::pair<std::string, std::string> samples[] = {
    {"correct-horse-battery", gone},
    {"it is correct-horse-battery.", "it is " + gone + "."},
    {"KEY=correct-horse-battery", "KEY=" + gone},
    {"https://h/x?key=correct-horse-battery&more", "https://h/x?key=" + gone + "&more"},
    {R"({"text":"first\ncorrect-horse-battery\nlast"})",
      R"({"text":"first\n)" + gone + R"(\nlast"})"},
    {"a=Y29ycmVjdA== correct-horse-battery", "a=" + gone + " " + gone},
    {"correct-horse-battery correct-horse-battery", gone + " " + gone},
    {"correct-horse-battery-pack", "correct-horse-battery-pack"},
    {"incorrect-horse-battery", "incorrect-horse-battery"},
  };
  for (const auto& [text, wanted] : samples) {
    CHECK(redactor.redacted(text) == wanted);
    const std::string before(97, 'x'); // at any place of the probes
    for (std::size_t i = 1; i < before.size(); ++i) {
      const auto lead = before.substr(0, i) + " ";
      CHECK(redactor.redacted(lead + text) == lead + wanted);
    }
  }
}

TEST_CASE("a key at the beginning of a line of JSON's is found", "[audit][redact]")
{
  CHECK(Redactor().redacted(R"("a\nghp_0123456789abcdefghij0123456789abcd\nb")") ==
        R"("a\n[redacted: GitHub token]\nb")");
}

TEST_CASE("a text of what looks like many secrets is gone through all the same", "[audit][redact]")
{
  Redactor redactor;
  redactor.know("correct-horse-battery");
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text += "=a";
  }
  CHECK(redactor.redacted(text) == text);
}

TEST_CASE("without known secrets there is nothing to load", "[audit][redact]")
{
  TempDir dir;
  CHECK(Redactor::load(dir.fd).value().redacted("{}") == "{}");
}

TEST_CASE("a key is found at any place of a text", "[audit][redact]")
{
  const std::pair<std::string, std::string> samples[] = {
    {"sk-ant-api03-abcdefghij0123456789", "Anthropic key"},
    {"github_pat_0123456789abcdefghij0123", "GitHub token"},
    {"AKIA0123456789ABCDEF", "AWS key"},
    {"AIza0123456789abcdefghij0123456789a", "Google key"},
    {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", "JSON web token"},
    {"xoxb-0123456789-abcdefghij", "Slack token"},
    {"-----BEGIN PRIVATE KEY-----MII-----END PRIVATE KEY-----", "private key"},
  };
  for (const auto& [key, kind] : samples) {
    std::string lead;
    for (const char c : std::string("It is-so_I say: J-_-I don't know what_I-")) {
      CHECK(
        Redactor().redacted(lead + " " + key + " end") == lead + " [redacted: " + kind + "] end");
      lead += c;
    }
  }
}
