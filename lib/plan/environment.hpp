#pragma once

#include "sys/secret.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace conos::plan {

struct Variable {
  int line = 0; // of the file, from 1; 0: of the environment we were started with
  std::string name;
  Secret value;
};

struct Unreadable {
  int line = 0;
  std::string what; // says nothing of the text: it may be a key that lost its name
};

struct EnvironmentFile {
  std::vector<Variable> variables; // of those with one name only the last, as in systemd
  std::vector<Unreadable> unreadable;
};

// Reads KEY=VALUE lines as systemd's EnvironmentFile= does: comments, quotes, a backslash before a
// character or the end of a line. What systemd would pass over with a warning is told, and so is a
// quote that is never closed.
EnvironmentFile parse_environment_file(std::string_view text);

} // namespace conos::plan
