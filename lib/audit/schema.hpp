#pragma once

#include <array>
#include <string_view>

// What makes a SQLite file a ledger of ours.
namespace conos::audit {

inline constexpr int k_application_id = 0x636f6e73; // "cons"
inline constexpr int k_schema_version = 2;
inline constexpr int k_version_without_tree = 1; // brought up to date when it is opened to append

struct Table {
  std::string_view name;
  std::string_view sql; // as SQLite keeps it, character for character
};

inline constexpr Table k_tree_table{"tree",
  "CREATE TABLE tree(tile INTEGER NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL, "
  "PRIMARY KEY(tile, n)) WITHOUT ROWID"};

// A key names one row for ever: what is asked to be recorded twice under one key stands there once.
// The tree comes last: a ledger of version 1 has all but it.
inline constexpr std::array<Table, 3> k_tables{{
  {"events", "CREATE TABLE events(id INTEGER PRIMARY KEY, ts TEXT NOT NULL, type TEXT NOT NULL, "
             "actor TEXT NOT NULL, payload TEXT NOT NULL, prev_hash BLOB NOT NULL, "
             "hash BLOB NOT NULL)"},
  {"keys", "CREATE TABLE keys(key TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID"},
  k_tree_table,
}};

} // namespace conos::audit
