#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "target/argv.hpp"

#include <functional>
#include <string>
#include <vector>

// Making, starting and stopping targets, and seeing which are there.
namespace conos::target {

struct Standing {
  Target target;
  bool answers = false;
  std::string said; // the version there, or why there is none; fit for a terminal
};

// Asks all of them at once; none is waited for longer than `time`.
std::vector<Standing> look_at(const std::vector<Target>& targets, Duration time);

std::string table_of(const std::vector<Standing>& standings);
std::string json_lines_of(const std::vector<Standing>& standings);

struct InstallWish {
  std::string profile = "default";  // what a machine without conos.toml begins with
  std::string secret = "anthropic"; // the name `key` is kept under
  std::string_view key{};           // empty: none; given to conos-secret on its standard input
};

using Tell = std::function<void(const std::string& line)>; // what is being done, a line each

// Makes the target where nothing answers and its transport can, waits for it, provisions it, with
// the profile where it has no conos.toml yet, and stores the key. May be repeated. A step that ends
// with a status of its own has said why: Kind::os names the step.
Result<> install(const Target& target, const InstallWish& wish, const Tell& tell);

// Starts it and waits until it answers. Kind::usage where the transport has no way to.
Result<> start(const Target& target, const Tell& tell);

// Stops it and waits until it is gone. Kind::usage as above.
Result<> stop(const Target& target, Force force);

// The text of a conos.toml is put in place there: what would change is shown, and unless
// `is_agreed` `agrees` is asked. Gives the status of conos-config(8) there, 1 when it was not
// agreed.
Result<int> apply_config(
  const Target& target, std::string_view text, bool is_agreed, const std::function<bool()>& agrees);

} // namespace conos::target
