#include "host/package_name.hpp"

#include <algorithm>

namespace conos {

namespace {

constexpr std::size_t k_max_name = 128;

bool is_small_alnum(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

} // namespace

bool is_package_name(std::string_view name)
{
  constexpr std::string_view k_others = "+.-";
  return name.size() >= 2 && name.size() <= k_max_name && is_small_alnum(name[0]) &&
         std::all_of(name.begin(), name.end(),
           [&](char c) {
             return is_small_alnum(c) || k_others.find(c) != k_others.npos;
           }) &&
         name.back() != '-' && (name.back() != '+' || name.ends_with("++"));
}

} // namespace conos
