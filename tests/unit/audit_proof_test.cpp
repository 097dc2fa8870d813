#include "audit/proof.hpp"

#include "audit/seal.hpp"
#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

namespace {

SignedCheckpoint seal_in(const TempDir& dir)
{
  const Journal none;
  return seal(dir.path, "root/conos-audit", none).value().newest;
}

VerifierKey key_in(const TempDir& dir)
{
  return find_verifier_key(dir.fd).value().value();
}

} // namespace

TEST_CASE("each row of ledgers of all sizes is proved", "[audit][proof]")
{
  for (const int size : {1, 2, 3, 7, 8, 255, 256, 257, 600}) {
    TempDir dir;
    const auto made = make_ledger(dir, size);
    const auto checkpoint = seal_in(dir);
    const auto key = key_in(dir);
    for (std::int64_t id = 1; id <= size; ++id) {
      INFO(size << ' ' << id);
      const auto text = to_text(prove(database_in(dir), id, checkpoint).value());
      const auto proof = parse_proof(text).value();
      const auto proved = check_proof(proof, key).value();
      CHECK(to_text(proof) == text);
      CHECK(proved.fields.id == id);
      CHECK(proved.fields.payload == fmt::format(R"({{"n":{}}})", id));
      CHECK(hex(proved.hash) == made[static_cast<std::size_t>(id - 1)].hash);
      CHECK(proved.checkpoint.rows == size);
    }
  }
}

TEST_CASE("a proof has the lines of c2sp.org/tlog-proof", "[audit][proof]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  const auto checkpoint = seal_in(dir);

  const auto text = to_text(prove(database_in(dir), 5, checkpoint).value());

  CHECK(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
  CHECK_THAT(text, Catch::Contains("\nindex 4\n"));
  CHECK(text.ends_with("\n\n" + checkpoint.note));
}

TEST_CASE("a proof that was changed anywhere proves nothing else", "[audit][proof]")
{
  TempDir dir;
  (void)make_ledger(dir, 11);
  const auto checkpoint = seal_in(dir);
  const auto key = key_in(dir);
  const auto text = to_text(prove(database_in(dir), 7, checkpoint).value());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const unsigned bit : {0U, 1U, 5U, 7U}) {
      auto changed = text;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      INFO(i << ' ' << bit);
      const auto proof = parse_proof(changed);
      CHECK_FALSE((proof && check_proof(*proof, key)));
    }
    const auto cut = parse_proof(text.substr(0, i));
    CHECK_FALSE((cut && check_proof(*cut, key)));
  }
}

TEST_CASE("what cannot be proved is said", "[audit][proof]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  const auto checkpoint = seal_in(dir); // and its row 6
  const auto kind = [&](std::int64_t id) {
    return prove(database_in(dir), id, checkpoint).error().kind;
  };

  CHECK(kind(6) == Kind::unavailable);
  CHECK(kind(7) == Kind::not_found);
  CHECK(kind(0) == Kind::not_found);
  CHECK(kind(-1) == Kind::not_found);
  tamper(database_in(dir), "UPDATE events SET payload='{\"n\":0}' WHERE id=3");
  CHECK(kind(3) == Kind::bad_data);
  CHECK(prove(database_in(dir), 2, checkpoint));
  const auto other = SigningKey::generate("other").value();
  const auto proof = prove(database_in(dir), 2, checkpoint).value();
  CHECK(check_proof(proof, other.verifier()).error().kind == Kind::denied);
}

TEST_CASE("a proof of another thing, or another place, is refused", "[audit][proof]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  const auto checkpoint = seal_in(dir);
  const auto key = key_in(dir);
  const auto good = prove(database_in(dir), 2, checkpoint).value();
  const auto other = prove(database_in(dir), 3, checkpoint).value();

  auto moved = good;
  moved.index = 2;
  CHECK_FALSE(check_proof(moved, key));
  auto swapped = good;
  swapped.preimage = other.preimage;
  CHECK_FALSE(check_proof(swapped, key));
  auto longer = good;
  longer.path.push_back({});
  CHECK_FALSE(check_proof(longer, key));
  auto shorter = good;
  shorter.path.pop_back();
  CHECK_FALSE(check_proof(shorter, key));
  CHECK_FALSE(parse_proof(""));
  CHECK_FALSE(parse_proof("c2sp.org/tlog-proof@v1\nindex 4\n\n" + checkpoint.note));
  CHECK_FALSE(parse_proof(to_text(good) + std::string(k_max_proof_bytes, 'x')));
}
