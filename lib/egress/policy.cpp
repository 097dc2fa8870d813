#include "egress/policy.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace conos::egress {

namespace {

bool is_usual(std::uint16_t port)
{
  return port == k_https_port || port == k_http_port;
}

bool fits(const EgressRule& rule, const Target& target, bool is_address)
{
  if (rule.port == 0 ? !is_usual(target.port) : rule.port != target.port) {
    return false;
  }
  if (!rule.is_suffix) {
    return target.host == rule.host;
  }
  return !is_address && (rule.host.empty() || target.host.ends_with("." + rule.host));
}

} // namespace

Result<Target> parse_target(std::string_view text, std::uint16_t otherwise)
{
  if (text.find('@') != text.npos) { // not repeated: a password may stand before it
    return fail(Kind::bad_data, "an address with a user name in it");
  }
  const auto colon = text.find(':');
  Target target{lower(text.substr(0, colon)), otherwise};
  if (colon != text.npos) {
    const auto digits = text.substr(colon + 1);
    const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), target.port);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '0') {
      return fail(Kind::bad_data, "'{}' has no port from 1 to 65535", escaped(text, 300));
    }
  }
  if (target.port == 0) {
    return fail(Kind::bad_data, "'{}' names no port", escaped(text, 300));
  }
  if (!is_host_name(target.host) && !parse_address(target.host)) {
    return fail(
      Kind::bad_data, "'{}' is neither a plain name nor a plain IPv4 address", escaped(text, 300));
  }
  return target;
}

std::string to_string(const Target& target)
{
  return fmt::format("{}:{}", target.host, target.port);
}

bool is_allowed(const EgressDoor& door, const Target& target)
{
  const bool is_address = parse_address(target.host).has_value();
  return std::any_of(door.rules.begin(), door.rules.end(), [&](const EgressRule& rule) {
    return fits(rule, target, is_address);
  });
}

std::string line_to_add(const EgressDoor& door, const Target& target)
{
  std::string line = "egress = [";
  for (const auto& entry : door.written) {
    line += fmt::format("\"{}\", ", entry);
  }
  return line + fmt::format("\"{}\"]", is_usual(target.port) ? target.host : to_string(target));
}

} // namespace conos::egress
