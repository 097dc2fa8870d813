#include "contract/node.hpp"

#include "sys/text.hpp"

#include <charconv>
#include <optional>

namespace conos::contract {

namespace {

// One step of a key: a name, a place in a list, or all of it.
struct Step {
  std::string name;
  std::optional<std::size_t> place;
  bool all = false;
};

constexpr std::size_t k_max_steps = 64;

// The name in front of `rest`, which it is taken from; nothing when there is none.
std::optional<std::string> take_name(std::string_view& rest)
{
  if (rest.starts_with('"')) {
    const auto end = rest.find('"', 1);
    if (end == rest.npos) {
      return std::nullopt;
    }
    std::string name(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    return name;
  }
  const auto end = std::min(rest.find_first_of(".["), rest.size());
  std::string name(rest.substr(0, end));
  rest.remove_prefix(end);
  return name.empty() ? std::nullopt : std::optional(std::move(name));
}

// "[3]" or "[*]" in front of `rest`.
std::optional<Step> take_place(std::string_view& rest)
{
  const auto end = rest.find(']');
  if (end == rest.npos) {
    return std::nullopt;
  }
  const auto inside = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  if (inside == "*") {
    return Step{.name = "", .place = std::nullopt, .all = true};
  }
  std::size_t place = 0;
  const auto [stop, error] = std::from_chars(inside.data(), inside.data() + inside.size(), place);
  if (error != std::errc() || stop != inside.data() + inside.size()) {
    return std::nullopt;
  }
  return Step{.name = "", .place = place, .all = false};
}

std::optional<std::vector<Step>> steps_of(std::string_view key)
{
  std::vector<Step> steps;
  bool wants_name = true;
  while (!key.empty() && steps.size() < k_max_steps) {
    if (key.front() == '[') {
      auto step = take_place(key);
      if (!step) {
        return std::nullopt;
      }
      steps.push_back(std::move(*step));
      wants_name = false;
      continue;
    }
    if (!wants_name) {
      if (key.front() != '.') {
        return std::nullopt;
      }
      key.remove_prefix(1);
    }
    auto name = take_name(key);
    if (!name) {
      return std::nullopt;
    }
    steps.push_back({.name = std::move(*name), .place = std::nullopt, .all = false});
    wants_name = false;
  }
  return key.empty() && !steps.empty() ? std::optional(std::move(steps)) : std::nullopt;
}

void follow(const Node& node, const Step& step, std::vector<const Node*>& out)
{
  if (step.all) {
    for (const auto& item : node.items) {
      out.push_back(&item);
    }
    for (const auto& entry : node.entries) {
      out.push_back(&entry.value);
    }
  } else if (step.place) {
    if (*step.place < node.items.size()) {
      out.push_back(&node.items[*step.place]);
    }
  } else if (const Node* found = node.find(step.name); found != nullptr) {
    out.push_back(found);
  }
}

} // namespace

const Node* Node::find(std::string_view key) const
{
  for (const auto& entry : entries) {
    if (entry.key == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

std::vector<const Node*> select(const Node& document, std::string_view key)
{
  std::vector<const Node*> here{&document};
  const auto steps = steps_of(key);
  if (!steps) {
    return {};
  }
  for (const auto& step : *steps) {
    std::vector<const Node*> next;
    for (const auto* node : here) {
      follow(*node, step, next);
    }
    here = std::move(next);
  }
  return here;
}

bool is_key(std::string_view key)
{
  return steps_of(key).has_value();
}

} // namespace conos::contract
