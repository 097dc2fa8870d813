#include "config/egress_door.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_longest_name = 253;
constexpr std::size_t k_longest_label = 63;
constexpr char k_no_rule[] = "is not host, host:port, *.domain or @group";

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_label(std::string_view label)
{
  return !label.empty() && label.size() <= k_longest_label && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
         });
}

// What inet_aton and browsers take for a number: then the whole name is an address to them.
bool is_number(std::string_view label)
{
  if (label.starts_with("0x")) {
    return std::all_of(label.begin() + 2, label.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'f');
    });
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

std::optional<std::uint16_t> port_of(std::string_view text)
{
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_good =
    error == std::errc() && end == text.data() + text.size() && port > 0 && text.front() != '0';
  return is_good ? std::optional(port) : std::nullopt;
}

Json texts_of(const std::vector<EgressRule>& rules)
{
  auto texts = Json::array();
  for (const auto& rule : rules) {
    texts.push_back(to_string(rule));
  }
  return texts;
}

Json texts_of(const std::vector<Network>& networks)
{
  auto texts = Json::array();
  for (const auto& network : networks) {
    texts.push_back(to_string(network));
  }
  return texts;
}

EgressDoor door_of(const Json& json)
{
  EgressDoor door;
  door.agent = json.at("agent");
  door.written = json.at("written");
  door.max_bytes = json.at("max_bytes");
  for (const auto& text : json.at("rules")) {
    auto rule = parse_egress_rule(text.get<std::string>());
    if (!rule) {
      throw std::runtime_error(rule.error().text());
    }
    door.rules.push_back(std::move(*rule));
  }
  for (const auto& text : json.at("networks")) {
    const auto network = parse_network(text.get<std::string>());
    if (!network) {
      throw std::runtime_error(network.error().text());
    }
    door.networks.push_back(*network);
  }
  return door;
}

} // namespace

bool is_host_name(std::string_view text)
{
  if (text.size() > k_longest_name) {
    return false;
  }
  const auto labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), is_label) && !is_number(labels.back());
}

Result<EgressRule> parse_egress_rule(std::string_view text)
{
  EgressRule rule;
  const auto colon = text.find(':');
  rule.host = lower(text.substr(0, colon));
  if (colon != text.npos) {
    const auto port = port_of(text.substr(colon + 1));
    if (!port) {
      return fail(Kind::bad_data, k_no_rule);
    }
    rule.port = *port;
  }
  if (rule.host == "*") {
    rule.host.clear();
    rule.is_suffix = true;
    return rule;
  }
  if (rule.host.starts_with("*.")) {
    rule.host.erase(0, 2);
    rule.is_suffix = true;
  }
  const bool is_address = !rule.is_suffix && parse_address(rule.host).has_value();
  if (!is_address && !is_host_name(rule.host)) {
    return fail(Kind::bad_data, k_no_rule);
  }
  return rule;
}

std::string to_string(const EgressRule& rule)
{
  const auto* star = !rule.is_suffix ? "" : rule.host.empty() ? "*" : "*.";
  return star + rule.host + (rule.port == 0 ? "" : fmt::format(":{}", rule.port));
}

std::string to_json(const EgressDoor& door)
{
  return Json{
           {"v", 1},
           {"agent", door.agent},
           {"written", door.written},
           {"rules", texts_of(door.rules)},
           {"networks", texts_of(door.networks)},
           {"max_bytes", door.max_bytes},
         }
           .dump(1) +
         "\n";
}

Result<EgressDoor> egress_door_from_json(std::string_view text)
{
  try {
    return door_of(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(
      Kind::config, "not what conos-bootstrap writes ({}); run conos-bootstrap", error.what());
  }
}

} // namespace conos
