#include "audit/note.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;

namespace {

struct Published {
  std::string_view where;
  std::string_view key;
  std::string_view text;
  std::string_view signature;
};

const std::vector<Published> k_published{
  {"c2sp.org/signed-note", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "This is an example message.\n",
    "\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n"},
  {"golang.org/x/mod/sumdb/note",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n",
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n"},
  {"c2sp.org/tlog-checkpoint, as the log itself signs it",
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    "\u2014 sum.golang.org "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
    "\n"},
};

const std::string k_go_signer =
  "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

std::string note_of(const Published& published)
{
  return std::string(published.text) + "\n" + std::string(published.signature);
}

VerifierKey key_of(const Published& published)
{
  return parse_verifier_key(published.key).value();
}

} // namespace

TEST_CASE("published notes open with their keys", "[audit][note]")
{
  for (const auto& published : k_published) {
    INFO(published.where);
    const auto key = key_of(published);

    const auto note = open_note(note_of(published), {key});

    REQUIRE(note);
    CHECK(note->text == published.text);
    CHECK(note->signers == std::vector<std::string>{key.name});
    CHECK(to_text(key) == published.key);
  }
}

TEST_CASE("the published key makes the published signature", "[audit][note]")
{
  const auto& published = k_published[1];
  const auto signer = SigningKey::parse(k_go_signer).value();

  CHECK(signer.verifier() == key_of(published));
  CHECK(signer.to_text().view() == k_go_signer);
  CHECK(signer.sign(published.text).value() == note_of(published));
}

TEST_CASE("a note that was changed anywhere does not open", "[audit][note]")
{
  for (const auto& published : k_published) {
    const auto note = note_of(published);
    const auto key = key_of(published);
    for (std::size_t i = 0; i < note.size(); ++i) {
      for (const unsigned bit : {0U, 5U, 7U}) {
        auto changed = note;
        changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
        INFO(i << ' ' << bit);
        CHECK_FALSE(open_note(changed, {key}));
      }
    }
  }
}

TEST_CASE("signatures of others are passed over, and are none of ours", "[audit][note]")
{
  const auto ours = SigningKey::generate("example.org/ours").value();
  const auto other = SigningKey::generate("example.org/other").value();
  const auto same_name = SigningKey::generate("example.org/ours").value();
  const auto note = ours.sign("text\n").value();
  const auto line_of = [](const SigningKey& key, const std::string& text) {
    return key.sign(text).value().substr(text.size() + 1);
  };

  CHECK(open_note(note + line_of(other, "text\n"), {ours.verifier()}));
  CHECK(open_note(note + line_of(other, "another\n"), {ours.verifier()}));
  CHECK(open_note(note, {other.verifier(), ours.verifier()}));
  CHECK(open_note(note + line_of(other, "text\n"), {other.verifier(), ours.verifier()})
          .value()
          .signers.size() == 2);
  const auto by_other = open_note(other.sign("text\n").value(), {ours.verifier()});
  REQUIRE_FALSE(by_other);
  CHECK(by_other.error().kind == Kind::denied);
  CHECK_THAT(by_other.error().what, Catch::Contains("not signed by 'example.org/ours'"));
  CHECK(
    open_note(same_name.sign("text\n").value(), {ours.verifier()}).error().kind == Kind::denied);
  const auto wrong = open_note(note + line_of(other, "another\n"), {other.verifier()});
  REQUIRE_FALSE(wrong);
  CHECK_THAT(wrong.error().what, Catch::Contains("does not fit"));
}

TEST_CASE("sixteen signatures and a text with empty lines open, too many do not", "[audit][note]")
{
  const std::string text = "a\n\nb\n\n";
  std::string note = text + "\n";
  std::vector<VerifierKey> keys;
  for (int i = 0; i < 16; ++i) {
    const auto key = SigningKey::generate("k" + std::to_string(i)).value();
    note += key.sign(text).value().substr(text.size() + 1);
    keys.push_back(key.verifier());
  }

  CHECK(open_note(note, {keys.back()}).value().text == text);
  for (int i = 0; i < 4; ++i) {
    note += note.substr(text.size() + 1);
  }
  CHECK_FALSE(open_note(note, keys));
}

TEST_CASE("what is not a note is refused", "[audit][note]")
{
  const auto key = SigningKey::generate("k").value();
  const auto good = key.sign("text\n").value();
  const auto line = good.substr(6);

  for (const auto& bad : std::vector<std::string>{"", "text", "text\n", "text\n\n", "text\n" + line,
         "text\n\n" + line.substr(0, line.size() - 1), "te\txt\n\n" + line, "te\xFFxt\n\n" + line,
         "text\n\n" + line + "\n", "text\n\n" + line + "more\n", "text\r\n\n" + line,
         "text\n\n- k" + line.substr(line.rfind(' ')), std::string(k_max_note_bytes, 'a') + good}) {
    INFO(bad.substr(0, 80));
    CHECK_FALSE(open_note(bad, {key.verifier()}));
  }
  CHECK(open_note(good, {key.verifier()}));
  CHECK_FALSE(key.sign("no newline"));
  CHECK_FALSE(key.sign("control \x01\n"));
}

TEST_CASE("what is not a key is refused", "[audit][note]")
{
  const std::string good(k_published[0].key);
  for (const auto& bad : std::vector<std::string>{"", "a+b", "a+b+c", good.substr(1),
         "example.com/foo+530d903b" + good.substr(24), good + "A", good.substr(0, good.size() - 4),
         "example.com/foo+530d903a+Aukye" + good.substr(30), std::string(600, 'a') + good}) {
    INFO(bad);
    CHECK_FALSE(parse_verifier_key(bad));
  }
  CHECK(parse_verifier_key(good + "\n"));
  CHECK_FALSE(SigningKey::parse(good));
  CHECK_FALSE(SigningKey::parse(k_go_signer.substr(0, k_go_signer.size() - 4)));
  for (const auto* name : {"", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "a\u3000", "\xFF"}) {
    CHECK_FALSE(SigningKey::generate(std::string(name)));
  }
  CHECK(SigningKey::generate(std::string("b\u00fccher.example/log")));
}
