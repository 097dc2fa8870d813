#include "contract/model.hpp"

#include <algorithm>
#include <array>

namespace conos::contract {

namespace {

constexpr std::array<std::pair<std::string_view, Action>, 11> k_actions{{
  {"fail", Action::none},
  {"alert", Action::alert},
  {"warn", Action::warn},
  {"escalate", Action::escalate},
  {"halt_agents", Action::halt_agents},
  {"halt_workers", Action::halt_workers},
  {"halt", Action::halt},
  {"quarantine", Action::quarantine},
  {"kill_session", Action::kill_session},
  {"require_exemption", Action::require_exemption},
  {"run", Action::run},
}};

} // namespace

void Params::set(const Key& key, Param param)
{
  m_params.emplace_back(&key, std::move(param));
}

const Param* Params::find(std::string_view key) const
{
  for (const auto& [own, param] : m_params) {
    if (own->name == key) {
      return &param;
    }
  }
  return nullptr;
}

const Value* Params::value(std::string_view key) const
{
  const auto* param = find(key);
  return param == nullptr ? nullptr : std::get_if<Value>(param);
}

std::string Params::text(std::string_view key) const
{
  const auto* found = value(key);
  const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(found);
  return text == nullptr ? "" : *text;
}

std::vector<std::string> Params::texts(std::string_view key) const
{
  const auto* found = value(key);
  const auto* list = found == nullptr ? nullptr : std::get_if<std::vector<std::string>>(found);
  return list == nullptr ? std::vector<std::string>{} : *list;
}

bool Params::flag(std::string_view key) const
{
  const auto* found = value(key);
  const auto* truth = found == nullptr ? nullptr : std::get_if<bool>(found);
  return truth != nullptr && *truth;
}

std::int64_t Params::number(std::string_view key, std::int64_t fallback) const
{
  const auto* found = value(key);
  const auto* number = found == nullptr ? nullptr : std::get_if<std::int64_t>(found);
  return number == nullptr ? fallback : *number;
}

const Assertion* Params::assertion(std::string_view key) const
{
  const auto* param = find(key);
  return param == nullptr ? nullptr : std::get_if<Assertion>(param);
}

const re2::RE2* Params::pattern(std::string_view key) const
{
  const auto* param = find(key);
  const auto* pattern = param == nullptr ? nullptr : std::get_if<Pattern>(param);
  return pattern == nullptr ? nullptr : pattern->get();
}

std::vector<std::pair<const Key*, const Assertion*>> Params::assertions() const
{
  std::vector<std::pair<const Key*, const Assertion*>> out;
  for (const auto& [key, param] : m_params) {
    if (const auto* assertion = std::get_if<Assertion>(&param)) {
      out.emplace_back(key, assertion);
    }
  }
  return out;
}

std::string_view name_of(Action action)
{
  const auto found = std::find_if(k_actions.begin(), k_actions.end(), [&](const auto& entry) {
    return entry.second == action;
  });
  return found == k_actions.end() ? "?" : found->first;
}

std::optional<Action> action_of(std::string_view name)
{
  const auto found = std::find_if(k_actions.begin(), k_actions.end(), [&](const auto& entry) {
    return entry.first == name;
  });
  return found == k_actions.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> action_names()
{
  std::vector<std::string> names;
  for (const auto& [name, action] : k_actions) {
    names.emplace_back(name);
  }
  return names;
}

bool OnFail::has(Action action) const
{
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

std::string OnFail::text() const
{
  std::string out;
  for (const auto action : actions) {
    out += out.empty() ? "" : ", ";
    out += name_of(action);
    out += action == Action::run ? " " + unit : "";
  }
  return out.empty() ? "fail" : out;
}

bool Contract::has_tag(std::string_view tag) const
{
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

} // namespace conos::contract
