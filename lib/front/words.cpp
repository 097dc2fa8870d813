#include "front/words.hpp"

#include "host/provenance.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace conos::front {

namespace {

using Words = std::vector<std::string>;

constexpr auto k_task_verbs =
  std::to_array<std::string_view>({"new", "list", "show", "wait", "contract"});
constexpr auto k_run_verbs = std::to_array<std::string_view>(
  {"claim", "work", "deliver", "cron", "show", "replay", "prompt", "sweep"});
constexpr auto k_agent_verbs = std::to_array<std::string_view>({"logs", "kill", "hold", "resume"});
constexpr auto k_believed_nobody =
  std::to_array<std::string_view>({"--owner", "--actor", "--run-id"});

template<std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& all, std::string_view word)
{
  return std::find(all.begin(), all.end(), word) != all.end();
}

// Of `words` those from `first` on, behind others.
Words followed_by(Words begin, const Words& words, std::size_t first)
{
  if (first < words.size()) {
    begin.insert(begin.end(), words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
  }
  return begin;
}

bool takes_the_next(std::string_view word)
{
  return word == "-n" || word == "--number";
}

// logs [-f] [-n N] [AGENT]: the day's lines, from the ledger they are copies of.
Words audit_lines(const Words& words, std::size_t first)
{
  Words out{"audit", "tail", "--lines", "--number=20"};
  bool has_agent = false;
  for (auto i = first; i < words.size(); ++i) {
    if (takes_the_next(words[i]) && i + 1 < words.size()) {
      out.push_back(words[i]);
      out.push_back(words[++i]);
    } else if (!has_agent && is_agent_name(words[i])) {
      has_agent = true;
      // an agent's name has nothing in it that means something to an expression
      out.push_back(R"x(--grep="(agent|from|to)":")x" + words[i] + "\"");
    } else {
      out.push_back(words[i]); // conos-audit says what is wrong with it
    }
  }
  return out;
}

Words agent_words(const Words& words)
{
  if (words.size() == 2 && words[1] == "list") {
    return {"status"};
  }
  if (words.size() > 1 && words[1] == "logs") {
    return audit_lines(words, 2);
  }
  if (words.size() > 2 && is_one_of(k_agent_verbs, words[1])) {
    return followed_by({}, words, 1);
  }
  return words;
}

Words task_words(Name name, const Words& words)
{
  const bool is_ours = words.size() < 2 || is_one_of(k_task_verbs, words[1]) ||
                       words[1] == "--help" || words[1] == "-h" || words[1] == "--version";
  return name == Name::conos && is_ours ? words : followed_by({"hand-in"}, words, 1);
}

Words run_words(const Words& words)
{
  const bool is_agents =
    words.size() > 1 && !words[1].starts_with("-") && !is_one_of(k_run_verbs, words[1]);
  return is_agents ? followed_by({"activate"}, words, 1) : words;
}

// What an option is given: behind its '=', or the next word, which is then passed over.
std::string value_at(const Words& words, std::size_t& at)
{
  const auto equals = words[at].find('=');
  if (equals != std::string::npos) {
    return words[at].substr(equals + 1);
  }
  return at + 1 < words.size() ? words[++at] : "";
}

// Its id is an operand here, and who somebody is, and in which run, is not believed and left out.
Words task_contract_words(const Words& words)
{
  Words out{"task-contract"};
  Words ids;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto option = words[i].substr(0, words[i].find('='));
    const bool is_id = option == "--id";
    if (!is_id && !is_one_of(k_believed_nobody, option)) {
      out.push_back(words[i]);
      continue;
    }
    const auto value = value_at(words, i);
    if (is_id) {
      ids.push_back(value);
    }
  }
  if (words.size() > 1 && words[1] == "show") {
    out.emplace_back("--json");
  }
  return followed_by(std::move(out), ids, 0);
}

// Those that conos has in a form of its own.
std::optional<Words> conctl_words(const Words& words)
{
  if (words[0] == "status" && words.size() == 1) {
    return Words{"status", "--lines"};
  }
  if (words[0] == "logs") {
    return audit_lines(words, 1);
  }
  if (words[0] == "package" && words.size() > 1 &&
      (words[1] == "install" || words[1] == "remove")) {
    return followed_by({"package", words[1], "--yes"}, words, 2);
  }
  if (words[0] == "task-contract") {
    return task_contract_words(words);
  }
  if (words[0] == "healthcheck" && words.size() == 1) {
    return Words{"healthcheck", "--lines"};
  }
  return std::nullopt;
}

} // namespace

Name name_of(std::string_view program)
{
  return program.substr(program.rfind('/') + 1) == "conctl" ? Name::conctl : Name::conos;
}

std::vector<std::string> in_our_words(Name name, std::vector<std::string> words)
{
  if (words.empty()) {
    return words;
  }
  if (name == Name::conctl) {
    if (auto out = conctl_words(words)) {
      return *std::move(out);
    }
  }
  if (words[0] == "agent") {
    return agent_words(words);
  }
  if (words[0] == "task") {
    return task_words(name, words);
  }
  if (words[0] == "run") {
    return run_words(words);
  }
  if (words[0] == "route-inbox") {
    return followed_by({"route"}, words, 1);
  }
  if (words[0] == "manifest" && words.size() > 1 && words[1] == "show") {
    return followed_by({"bootstrap", "--show", "--yaml"}, words, 2);
  }
  return words;
}

} // namespace conos::front
