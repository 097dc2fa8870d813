#include "audit/checkpoint.hpp"

#include "temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace conos;
using namespace conos::audit;

namespace {

const std::string k_root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

std::string note_of(const SigningKey& key, std::int64_t rows)
{
  return key.sign(to_text(Checkpoint{key.verifier().name, rows, sha256("x")})).value();
}

} // namespace

TEST_CASE("a checkpoint is three lines", "[audit][checkpoint]")
{
  const auto text = "example.com/behind-the-sofa\n20852163\n" + k_root + "\n";

  const auto parsed = parse_checkpoint(text).value();

  CHECK(parsed.origin == "example.com/behind-the-sofa");
  CHECK(parsed.rows == 20852163);
  CHECK(base64(parsed.root) == k_root);
  CHECK(to_text(parsed) == text);
  CHECK(parse_checkpoint(text + "an extension\n"));
}

TEST_CASE("what is not a checkpoint is refused", "[audit][checkpoint]")
{
  for (const auto& bad : std::vector<std::string>{"", "o\n1\n", "o\n1\n" + k_root,
         "\n1\n" + k_root + "\n", "o\n\n" + k_root + "\n", "o\n01\n" + k_root + "\n",
         "o\n-1\n" + k_root + "\n", "o\n+1\n" + k_root + "\n", "o\n1 \n" + k_root + "\n",
         "o\n99999999999999999999\n" + k_root + "\n", "o\n1\n" + k_root.substr(4) + "\n",
         "o\n1\n" + k_root + "\n\n", "o\n1\n" + k_root + "\n\nmore\n"}) {
    INFO(bad);
    CHECK_FALSE(parse_checkpoint(bad));
  }
  CHECK(parse_checkpoint("o\n0\n" + k_root + "\n"));
}

TEST_CASE("a checkpoint opens with its key, as its ledger's", "[audit][checkpoint]")
{
  const auto key = SigningKey::generate("k").value();
  const auto other = SigningKey::generate("other").value();
  const auto foreign = key.sign(to_text(Checkpoint{"other", 3, {}})).value();

  CHECK(open_checkpoint(note_of(key, 3), key.verifier()).value().checkpoint.rows == 3);
  CHECK(open_checkpoint(note_of(other, 3), key.verifier()).error().kind == Kind::denied);
  CHECK(open_checkpoint(foreign, key.verifier()).error().kind == Kind::bad_data);
}

TEST_CASE("a file of notes is divided wherever a crash cut it", "[audit][checkpoint]")
{
  const auto key = SigningKey::generate("k").value();
  const auto first = note_of(key, 3);
  const auto second = note_of(key, 8);
  const auto file = first + second;

  CHECK(divide_notes(file).notes == std::vector<std::string_view>{first, second});
  CHECK(divide_notes(file).unfinished.empty());
  CHECK(divide_notes("").notes.empty());
  for (std::size_t cut = first.size(); cut < file.size(); ++cut) {
    const auto text = file.substr(0, cut);
    const auto divided = divide_notes(text);
    INFO(cut);
    CHECK(divided.notes == std::vector<std::string_view>{first});
    CHECK(divided.unfinished == std::string_view(text).substr(first.size()));
  }
}

TEST_CASE("appending takes the place of what a crash left", "[audit][checkpoint]")
{
  TempDir dir;
  const auto key = SigningKey::generate("k").value();
  const auto first = note_of(key, 3);
  const auto second = note_of(key, 8);
  const auto text = [&] {
    return read_file(dir.fd, "notes", 10'000).value();
  };

  CHECK(append_note(dir.fd, "notes", first, Missing::is_error).error().kind == Kind::not_found);
  REQUIRE(append_note(dir.fd, "notes", first, Missing::make));
  REQUIRE(append_note(dir.fd, "notes", second.substr(0, 70), Missing::is_error));
  REQUIRE(append_note(dir.fd, "notes", second, Missing::is_error));
  CHECK(text() == first + second);
}

TEST_CASE("a ledger's key is made once, and its halves are held together", "[audit][checkpoint]")
{
  TempDir dir;
  CHECK_FALSE(find_verifier_key(dir.fd).value());
  CHECK(find_signing_key(dir.fd).error().kind == Kind::not_found);

  const auto made = find_or_make_signing_key(dir.fd).value().verifier();

  CHECK(find_or_make_signing_key(dir.fd).value().verifier() == made);
  CHECK(find_verifier_key(dir.fd).value() == made);
  CHECK((stat_at(dir.fd, k_signing_key).value().st_mode & 07777U) == 0600);
  CHECK((stat_at(dir.fd, k_verifier_key).value().st_mode & 07777U) == 0644);

  SECTION("a crash between the two files is made good")
  {
    REQUIRE(remove_name(dir.fd, k_verifier_key));
    CHECK(find_or_make_signing_key(dir.fd).value().verifier() == made);
    CHECK(find_verifier_key(dir.fd).value() == made);
  }
  SECTION("a private key that is gone is not replaced")
  {
    REQUIRE(remove_name(dir.fd, k_signing_key));
    CHECK(find_or_make_signing_key(dir.fd).error().kind == Kind::bad_data);
  }
  SECTION("another public key beside it is refused")
  {
    const auto other = SigningKey::generate(made.name).value();
    REQUIRE(replace(dir.fd, k_verifier_key, to_text(other.verifier()), 0644));
    CHECK(find_or_make_signing_key(dir.fd).error().kind == Kind::bad_data);
  }
  SECTION("a private key that others can read is refused")
  {
    REQUIRE(::fchmodat(dir.fd.get(), k_signing_key.c_str(), 0640, 0) == 0);
    CHECK(find_or_make_signing_key(dir.fd).error().kind == Kind::denied);
  }
}
