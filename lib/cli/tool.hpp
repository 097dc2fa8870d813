#pragma once

#include "sys/error.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// The skeleton every main() shares. A tool is a table: what it is called, its verbs, their options.
// --help, --version, the completions and the check of the man pages all read that table.
namespace conos::cli {

// sysexits(3), because systemd prints and matches them by name.
enum class Exit {
  ok = 0,
  no = 1, // the tool worked and the answer is no
  usage = 64,
  bad_data = 65,
  unavailable = 69,
  bug = 70,
  os = 71,
  later = 75,
  denied = 77,
  config = 78,
};

struct Option {
  std::string name;    // "timeout", for --timeout
  std::string help;    // one line
  std::string value{}; // what it takes, "DURATION"; empty: a switch
  std::string fallback{};
  char letter = 0; // 't', for -t
};

class Args
{
public:
  bool has(const std::string& option) const;
  // The option's value, or its fallback. Asking for one that is not in the table is our own bug.
  const std::string& operator[](const std::string& option) const;
  // Every value it was given, in their order; the fallback does not count.
  const std::vector<std::string>& all(const std::string& option) const;
  // A value that must be a number from `least` to `most`; Kind::usage otherwise.
  Result<long> number(const std::string& option, long least, long most) const;

  std::vector<std::string> operands;

private:
  friend class Parser;
  std::map<std::string, std::string> m_values;
  std::map<std::string, std::vector<std::string>> m_given;
};

struct Verb {
  std::string name;     // empty: the tool has no verbs
  std::string purpose;  // one line
  std::string operands; // "NAME", "[AGENT]", "ID…"; what may be left out stands in brackets
  std::vector<Option> options;
  std::function<Result<Exit>(const Args&)> body;
  bool stays_raw = false; // what follows the first operand is not ours to parse
};

struct Tool {
  std::string name;
  std::string purpose; // one sentence, the same in source, man page, README and --help
  std::vector<Verb> verbs;
  std::string section = "1"; // of its manual page
};

// Parses, runs the verb, reports its error once, and returns the exit status. Holds the only
// catch (...): what arrives there is a bug of ours.
int run(int argc, char* argv[], const Tool& tool);

// The exit status an error means when no verb decides otherwise.
Exit exit_of(const Error& error);

// True where output may be coloured: a terminal, no NO_COLOR, TERM not dumb.
bool colour(int fd);

} // namespace conos::cli
