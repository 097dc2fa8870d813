#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// A few files for browsers: these paths, GET and HEAD, and nothing else there is. Pure, but for
// opening the file.
namespace conos::web {

struct Served {
  std::string path; // of the URL, "/"
  std::string file; // its plain name
  std::string type; // Content-Type
};

struct Site {
  std::string directory;
  std::vector<Served> files;
  std::vector<std::string> names; // by which it may be asked for, beside addresses and localhost
};

struct Asked {
  std::string_view method;
  std::string_view path; // without what follows a question mark
  std::string_view host;
  std::string_view if_none_match;
  std::string_view if_modified_since;
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body{};   // where there is no file
  UniqueFd file{};      // read while it is sent: no connection costs the memory of a page
  std::size_t size = 0; // of the file
};

// Whether a browser that asks in the name of `host` was sent here by somebody who knows the
// machine: by an address, as localhost, or by one of its names, with any port. Another name is one
// of a stranger's whose address was made ours (DNS rebinding): its pages could read the answer.
bool is_known_host(std::string_view host, const std::vector<std::string>& names);

// 200, 304, 400 (no host), 404, 405, 421 (a host that is not known), 500 (a file cannot be read).
Answer answer(const Site& site, const Asked& asked);

} // namespace conos::web
