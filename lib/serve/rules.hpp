#pragma once

#include "audit/ledger.hpp"
#include "serve/bucket.hpp"
#include "sys/error.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Who may write what into the ledger: pure, and all in one place.
namespace conos::serve {

struct Allowance {
  std::vector<std::string_view> nouns; // of the types it may write; empty: any
  std::size_t payload_bytes = 0;       // the largest payload
  Rate rate;                           // rows
};

// By account, as the kernel and the account database name it: root may write anything, the doors
// their own rows, anybody else notes of 4 KiB.
Allowance allowance_of(uid_t uid, const std::string& account);

// Kind::denied when a type or a payload of that size is not of the allowance, Kind::bad_data when
// no row can have these.
Result<> check_row(const Allowance& allowance, const audit::Row& row);

// A key as it stands in the ledger. Only root's are as they were given, for the keys of tasks are
// among those; whoever else could take one would keep a row of a task out of the ledger.
std::string key_of(uid_t uid, const std::string& key);

} // namespace conos::serve
