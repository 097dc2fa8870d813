#pragma once

#include "audit/chain.hpp"
#include "audit/checkpoint.hpp"
#include "audit/merkle.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Receipts that can be checked without the ledger: c2sp.org/tlog-proof.
namespace conos::audit {

inline constexpr std::size_t k_max_proof_bytes = 512U << 10U;

struct Proof {
  std::string preimage; // of the row: "id|ts|type|actor|payload|prev", which its hash covers
  merkle::Size index = 0;
  std::vector<Digest> path;
  std::string checkpoint; // the note
};

std::string to_text(const Proof& proof);

// Kind::bad_data when it is not one, or one of other things than rows.
Result<Proof> parse_proof(std::string_view text);

// That row `id` of a ledger's database is among the rows of `checkpoint`. Kind::not_found when
// there is no such row, or its body was pruned; Kind::unavailable when the checkpoint is of fewer
// rows; Kind::bad_data when the ledger is not that of the checkpoint.
Result<Proof> prove(const std::string& file, std::int64_t id, const SignedCheckpoint& checkpoint);

// The row a proof speaks of, borrowed from it, its hash and the checkpoint that covers it.
struct Proved {
  Fields fields;
  Digest hash{};
  Checkpoint checkpoint;
};

// What a proof shows to whoever trusts `key`. Kind::bad_data and Kind::denied when it does not.
Result<Proved> check_proof(const Proof& proof, const VerifierKey& key);

} // namespace conos::audit
