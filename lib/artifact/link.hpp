#pragma once

#include "artifact/artifact.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/secret.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Links that let whoever has them see one file for some time: HMAC-SHA256 (RFC 2104) over the
// artifact, its file and content, the link's own id and when it ends.
namespace conos::artifact {

struct Key {
  std::string id; // 8 hex digits, in each link
  Time made_at;
  Secret bytes; // 64 hex digits
};

// The newest first: it signs, and all of them verify. A line each: ID TIME HEX.
std::string to_text(const std::vector<Key>& keys);
Result<std::vector<Key>> keys_from_text(std::string_view text); // Kind::bad_data

Result<Key> new_key(Time now); // Kind::os

// "/artifacts/ID/FILE?exp=UNIX&key=ID&link=ID&sig=HEX", what follows the web server's address.
std::string path_with(const Artifact& artifact, const Link& link, const Key& key);

// What a browser asked for, when it asked in the one way there is: nothing is decoded twice, no
// parameter is there twice, no path is anything else than it looks like.
struct Asked {
  std::string id;
  std::string file;
  std::string link;
  std::string key;
  Time expires_at;
  std::string signature;
};

// "not a path of an artifact" is Kind::bad_data; a path without its signature Kind::denied.
Result<Asked> parse_asked(std::string_view uri);

// Nothing when it may be seen; else why not. Times are compared to the second.
std::optional<std::string> objection_to(
  const Asked& asked, const Artifact& artifact, const std::vector<Key>& keys, Time now);

} // namespace conos::artifact
