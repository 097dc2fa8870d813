#include "contract/checks/look.hpp"
#include "sys/text.hpp"

#include <re2/re2.h>
#include <unistd.h>

#include <cstdlib>

namespace conos::contract {

namespace {

// What a variable holds may be a secret: it is never shown.
std::string shown_name(const Look& look)
{
  return "'" + escaped(look.params().text("name"), 100) + "'";
}

} // namespace

Outcome look_at_variable(const Look& look)
{
  const auto& params = look.params();
  const char* value = std::getenv(params.text("name").c_str());
  if (value == nullptr) {
    return Outcome::bad(shown_name(look) + " is not set");
  }
  if (params.has("equals") && params.text("equals") != value) {
    return Outcome::bad(shown_name(look) + " is not what it should be");
  }
  const auto* pattern = params.pattern("matches");
  if (pattern != nullptr && !is_found(*pattern, value)) {
    return Outcome::bad(
      fmt::format("{} does not match '{}'", shown_name(look), escaped(pattern->pattern(), 160)));
  }
  return Outcome::good();
}

Outcome look_for_no_variable(const Look& look)
{
  const char* value = std::getenv(look.params().text("name").c_str());
  const auto* pattern = look.params().pattern("matches");
  if (value == nullptr || (pattern != nullptr && !is_found(*pattern, value))) {
    return Outcome::good();
  }
  return Outcome::bad(shown_name(look) + " is set");
}

bool is_program(const std::string& name)
{
  if (name.find('/') != name.npos) {
    return ::access(name.c_str(), X_OK) == 0;
  }
  const char* path = std::getenv("PATH");
  for (const auto directory : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    if (!directory.empty() && ::access((std::string(directory) + "/" + name).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

Outcome look_for_program(const Look& look)
{
  const auto name = look.params().text("name");
  return is_program(name) ? Outcome::good()
                          : Outcome::bad(fmt::format("there is no program {}", shown_name(look)));
}

} // namespace conos::contract
