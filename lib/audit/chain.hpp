#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The hash chain itself: which bytes a row's hash covers, and what may stand in a row.
namespace conos::audit {

inline constexpr std::size_t k_max_payload_bytes = 64U << 10U;
inline constexpr std::size_t k_max_payload_depth = 64;
inline constexpr std::size_t k_max_name_bytes = 64; // of a type or an actor
inline constexpr std::size_t k_max_key_bytes = 1024;

// Of the rows that tell of a checkpoint.
inline constexpr std::string_view k_signed_type = "checkpoint.signed";

// Of a row that says that those up to `rows` have no more than their hashes.
inline constexpr std::string_view k_pruned_type = "ledger.pruned";

// What the first row names as the hash before it: 64 zeros.
inline constexpr Digest k_genesis{};

// What a row says, borrowed from whoever holds its text.
struct Fields {
  std::int64_t id = 0;
  std::string_view ts; // YYYY-MM-DDTHH:MM:SS.mmmZ
  std::string_view type;
  std::string_view actor;
  std::string_view payload;
};

// Where a chain ends: nothing, or a row and its hash.
struct Head {
  std::int64_t id = 0;
  Digest hash = k_genesis;
};

// "id|ts|type|actor|payload|prev": the text whose SHA-256 is the row's hash. No field before the
// payload can hold a '|' and the last one always has 64 digits, so it can be read in one way only.
std::string preimage(const Fields& fields, const Digest& prev);

Digest chain_hash(const Fields& fields, const Digest& prev);

// noun.verb: [a-z]+\.[a-z_]+
bool is_type(std::string_view text);

// A user name, "uid:N", or a user name and the program that spoke for it, "root/conos-run".
bool is_actor(std::string_view text);

bool is_timestamp(std::string_view text);

// One JSON object on one line, of at most k_max_payload_bytes, nested at most k_max_payload_depth
// deep: whoever shows it to people may recurse.
bool is_payload(std::string_view text);

// Whether brackets in what is JSON otherwise nest at most one deeper than a payload may: a line
// with a payload in it. To be asked first: a parser that recurses is no place to find out.
bool is_nested_little(std::string_view json);

// Kind::bad_data when a row with these may not be appended.
Result<> check_fields(std::string_view type, std::string_view actor, std::string_view payload);

// A key is up to k_max_key_bytes of UTF-8 without control characters; an empty one stands for none.
Result<> check_key(std::string_view key);

} // namespace conos::audit
