#pragma once

#include "audit/verify.hpp"
#include "sys/error.hpp"

#include <string>

// The chains of two other programs, read and never written.
namespace conos::audit {

enum class Format {
  conos,   // a database of ours, or what is none of the others: verify() says what is wrong with it
  molt_os, // agentd's ledger.db: the same preimage as ours, digests as text
  covenant, // events.jsonl, and beside it events.chain.jsonl with a row for each of its lines
};

// By what is in the file, not by its name.
Result<Format> format_of(const std::string& file);

// As verify(): rows are good from the first on, up to the finding. Of Covenant a row is a line of
// either file; the head is the last chain hash. That both files were cut at the same line no chain
// can tell.
Result<Verdict> verify_molt_os(const std::string& file);
Result<Verdict> verify_covenant(const std::string& file);

} // namespace conos::audit
