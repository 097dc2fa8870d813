#pragma once

#include "audit/chain.hpp"
#include "audit/merkle.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace conos::audit {

struct Finding {
  std::int64_t id = 0; // of the first row that is not as it was written; 0: the file as a whole
  std::string what;    // "row 5: its hash is not that of what it says"
};

// What the ledger must begin with: the tree of a checkpoint that was kept, or a row of which a copy
// was.
struct Expected {
  enum class Of { tree, row };

  std::int64_t rows = 0; // up to here
  Digest hash{};         // the root of the tree over them, or the hash of the last
  std::string name;      // of what was kept, for people: "3 in 'checkpoints'", "'2026-11-20.jsonl'"
  Of of = Of::tree;
};

// A row that says a checkpoint was signed.
struct SignedRow {
  std::int64_t id = 0;
  std::string payload;
};

// What can be said of a ledger without asking anybody else. That its last rows were cut off, or all
// of it was written anew, is not among it: for this a head or a checkpoint must have been kept
// elsewhere, and be expected.
struct Verdict {
  std::int64_t rows = 0;              // that are good, from the first on
  std::string head;                   // hash of the last of them, 64 hex digits
  std::string ts;                     // and its time; empty when there is none
  std::string root;                   // of the tree over them, in base64 as in a checkpoint
  std::int64_t sealed = 0;            // rows that the largest expected tree has that was found
  std::int64_t pruned = 0;            // of the first rows, of which the hash alone is left
  std::vector<SignedRow> signed_rows; // of the good ones
  std::optional<Finding> bad;
};

// Recomputes each hash of a ledger's database, in use or a copy, and of the tree it keeps, and
// never writes to it. Needs as much memory for ten million rows as for ten, but for the rows that
// tell of checkpoints. A file that is missing, empty or not a ledger has a finding; an error says
// that the file could not be read.
//
// Of pruned rows only an expected tree tells that their hashes are the right ones: without one that
// covers them, or without a row that says that they were pruned, they are a finding.
Result<Verdict> verify(const std::string& file, std::vector<Expected> expected = {});

// Judges the row after `end`: what it says, and the bytes it names as the hash before it. Moves
// `end` on when it is good.
std::optional<Finding> judge_fields(const Fields& fields, std::string_view prev, Head& end);

// Judges the rows after `end` in the connection's present view of a ledger, offers each good one to
// `take`, and moves `end` on.
Result<std::optional<Finding>> judge_rows_after(
  sqlite3* connection, Head& end, const std::function<void(const Fields&)>& take = nullptr);

// Follows good rows and holds their tree against those that are expected of it.
class Comparison
{
public:
  explicit Comparison(std::vector<Expected> expected);

  // After the tree has become as large as it is with a row of that hash: what is wrong with it.
  std::optional<Finding> judge(const merkle::Frontier& tree, const Digest& row);
  // When there are no more rows: whether some were cut off.
  std::optional<Finding> judge_end(std::int64_t rows) const;
  // The largest tree that was found.
  std::int64_t sealed() const { return m_sealed; }

private:
  std::vector<Expected> m_expected;
  std::size_t m_next = 0;
  std::int64_t m_sealed = 0;
};

} // namespace conos::audit
