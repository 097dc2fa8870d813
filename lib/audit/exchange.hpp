#pragma once

#include "audit/ledger.hpp"

#include <optional>
#include <string>

// What left the machine and what came back: a mail that was sent, a call over HTTP, a package that
// was fetched. The row names both by digest, so that whoever has them can show what they were, and
// a checkpoint that covers the row signs it: `conos-audit prove` makes the receipt for it.
namespace conos::audit {

struct Exchange {
  std::string kind;                           // "http", "mail", "package": [a-z]+
  std::string to;                             // where it went: a URL, an address, an archive
  std::string request_sha256;                 // 64 hex digits
  std::optional<std::string> response_sha256; // none when nothing came back
  std::string result;             // in the other side's words: "200", "250 queued as 4711"
  std::optional<std::string> why; // the task it was done for
};

// The row of type receipt.issued. Kind::usage names what is not in order.
Result<Row> row_of(const Exchange& exchange, const std::string& actor);

} // namespace conos::audit
