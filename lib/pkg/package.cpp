#include "pkg/package.hpp"

#include "host/package_name.hpp"
#include "sys/text.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace conos::pkg {

namespace {

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_version(std::string_view text)
{
  constexpr std::size_t k_longest = 128;
  constexpr std::string_view k_others = ".+-:~";
  return !text.empty() && text.size() <= k_longest && is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  k_others.find(c) != k_others.npos;
         });
}

} // namespace

Result<Wanted> parse_wanted(std::string_view text)
{
  const auto equals = text.find('=');
  Wanted wanted{std::string(text.substr(0, equals)), ""};
  if (!is_package_name(wanted.name)) {
    return fail(Kind::usage,
      "'{}' is no package: a name has small letters, digits, '+', '.' and '-', and begins with a "
      "letter or a digit",
      escaped(text, 80));
  }
  if (equals != text.npos) {
    wanted.version = text.substr(equals + 1);
    if (!is_version(wanted.version)) {
      return fail(
        Kind::usage, "'{}' is no version of a package: '1:2.36-9+deb12u4' is", escaped(text, 160));
    }
  }
  return wanted;
}

std::string to_string(const Wanted& wanted)
{
  return wanted.version.empty() ? wanted.name : wanted.name + "=" + wanted.version;
}

bool matches_one(const std::vector<std::string>& patterns, const std::string& name)
{
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

} // namespace conos::pkg
