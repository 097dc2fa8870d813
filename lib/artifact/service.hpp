#pragma once

#include "artifact/link.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <string_view>
#include <vector>

// What a web server asks before it serves an artifact (nginx's auth_request, Caddy's forward_auth):
// whether, and which file.
namespace conos::artifact {

struct Verdict {
  int status = 403;         // of HTTP: 200, 400, 401, 403
  std::string content;      // of 200: the name below content/
  std::string content_type; // of 200
  std::string file;         // of 200: what it is called
  std::string why;          // else; for the log, and not for who asked
};

// `uri` is the one the browser sent, as it sent it. `directory` is /srv/conos/artifacts.
Verdict judge(
  const std::string& directory, std::string_view uri, const std::vector<Key>& keys, Time now);

// Answers HTTP on a listening socket until nobody has asked for `idle`. The browser's URI is in
// X-Original-URI (nginx) or X-Forwarded-Uri (Caddy). An answer names the file in X-Conos-Content,
// its type in X-Conos-Type and its name in X-Conos-File.
Result<> serve(
  const std::string& directory, std::vector<Key> keys, UniqueFd listener, Duration idle);

} // namespace conos::artifact
