#include "steward/steward.hpp"

#include "steward/request.hpp"
#include "steward/topic.hpp"
#include "steward/words.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace conos::steward {

namespace {

constexpr std::string_view k_connect =
  "To give an agent a mind: put provider = \"anthropic\" and a model for it into "
  "/etc/conos/conos.toml, then echo KEY | conos secret set anthropic && conos-bootstrap; or set "
  "its "
  "runner to any program that reads a prompt on standard input and writes its answer to standard "
  "output. conos.toml(5) has the details.\n";

// What asks for facts rather than for deeds.
constexpr std::string_view k_asking =
  "what|which|who|whose|whom|how|is.|are.|does.|do we|do any|do they|did.|has.|have we|have any|"
  "was.|were.|when|where|why|any.|anything|show|list|tell|print|report|count|describe|explain|name|"
  "display|summar|status|overview|give|see.|look|check|am.|should|will|can.|may.";

constexpr std::string_view k_doing = "run.|do.|use.|perform.|execute.|apply.|follow.|start.|begin.";

// Deeds that are plainly another agent's: how the request begins, and what else is in it.
struct Duty {
  std::string_view verbs;
  std::string_view objects; // empty: anything
  std::string_view agent;
};
constexpr std::array k_duties{
  Duty{"run.|rerun.|execute.|evaluate.|test.", "contract|health", "sysadmin"},
  Duty{"install.|uninstall.|purge.", "", "sysadmin"},
  Duty{"add.|remove.|upgrade.|update.", "packag|software|system.", "sysadmin"},
  Duty{"create.|commission.|add.|make.|provision.|set up.|remove.|retire.", "agent", "sysadmin"},
  Duty{"restart.|start.|stop.|enable.|disable.|reload.", "service|unit.|daemon|timer", "sysadmin"},
  Duty{"set.|review.|decide.|plan.|write.|update.|change.|revise.",
    "priorit|strateg|policy|policies|mission", "strategist"},
};

// Whom a request addresses, and what is left of it for them.
struct Addressed {
  const AgentFacts* agent = nullptr;
  Words rest;
};

// The agent whose name the words begin with, after an article.
Addressed agent_in_front(const Words& words, const Facts& facts)
{
  auto rest = words;
  while (starts_with_any(rest, "the.|our.|my.|agent.|to.") > 0) {
    rest = after(rest, 1);
  }
  for (const auto& agent : facts.agents) {
    const auto name = words_of(agent.name);
    if (find_phrase(rest, name) == 0U) {
      return {&agent, after(rest, name.size())};
    }
  }
  return {};
}

// "ask sysadmin to …", "forward this to the strategist", "i want the sysadmin to …"
Addressed addressed_by_verb(const Words& words, const Facts& facts)
{
  constexpr std::string_view k_tell =
    "ask.|tell.|have.|get.|let.|instruct.|notify.|inform.|remind.|order.|i want.|i need.|"
    "i would like.|id like.|we need.|we want.|for.|to.|attention.";
  constexpr std::string_view k_send =
    "forward.|send.|route.|pass.|hand.|delegate.|assign.|give.|relay.|refer.";
  if (const auto count = starts_with_any(words, k_tell)) {
    return agent_in_front(after(words, count), facts);
  }
  if (starts_with_any(words, k_send) > 0) {
    constexpr std::size_t k_near = 8;
    for (std::size_t at = 1; at < std::min(words.size(), k_near); ++at) {
      if (words[at] == "to") {
        return agent_in_front(after(words, at), facts);
      }
    }
  }
  return {};
}

// "sysadmin: …", "@sysadmin …"
Addressed addressed_by_name(std::string_view text, const Words& words, const Facts& facts)
{
  const auto line = trimmed(text);
  const auto found = agent_in_front(words, facts);
  if (found.agent == nullptr) {
    return {};
  }
  const auto name = line.substr(line.starts_with('@') ? 1 : 0);
  const bool is_call =
    line.starts_with('@') ||
    (lower(name).starts_with(found.agent->name) && name.size() > found.agent->name.size() &&
      (name[found.agent->name.size()] == ':' || name[found.agent->name.size()] == ','));
  return is_call ? found : Addressed{};
}

std::optional<std::string> agent_for_duty(const Words& words, const Facts& facts)
{
  for (const auto& duty : k_duties) {
    const bool is_there =
      std::any_of(facts.agents.begin(), facts.agents.end(), [&](const AgentFacts& agent) {
        return agent.name == duty.agent;
      });
    if (is_there && starts_with_any(words, duty.verbs) > 0 &&
        (duty.objects.empty() || has_any(words, duty.objects))) {
      return std::string(duty.agent);
    }
  }
  return std::nullopt;
}

std::string names_of(const std::vector<Skill>& skills)
{
  std::vector<std::string> names;
  names.reserve(skills.size());
  for (const auto& skill : skills) {
    names.push_back(escaped(skill.name, 64));
  }
  return join(names, ", ");
}

std::string what_i_know(const std::vector<Skill>& skills)
{
  std::string text =
    "I know the facts of this machine: which agents there are and how they are, what waits and "
    "what failed, who may task whom, disk, memory, load, the number of packages, the ledger's last "
    "rows, contracts.\n";
  return skills.empty() ? text : text + "My skills: " + names_of(skills) + ".\n";
}

std::string introduction(const Request& request)
{
  return "I am conos-steward, a small program without a language model.\n" +
         what_i_know(request.skills) + k_connect.data();
}

std::string cannot(const Request& request)
{
  return "I cannot do this: I am conos-steward, a small program without a language model.\n" +
         what_i_know(request.skills) + k_connect.data();
}

// A request that begins like a deed is not answered with facts that happen to be named in it.
bool asks(std::string_view text, const Words& bare)
{
  constexpr std::size_t k_few = 3;
  if (has_any(bare, "poem|joke|story|stories|essay|song|haiku")) {
    return false;
  }
  return text.find('?') != std::string_view::npos || bare.size() <= k_few ||
         starts_with_any(bare, k_asking) > 0 || wishes_to_know(words_of(text));
}

const Skill* skill_named(const Request& request, const Words& all)
{
  const auto words = without_fillers(all);
  for (const auto& skill : request.skills) {
    const auto at = find_phrase(words, without_fillers(words_of(skill.name)));
    if (at && (*at == 0 || starts_with_any(words, k_doing) > 0 || has_any(words, "skill"))) {
      return &skill;
    }
  }
  return nullptr;
}

std::string run_step(const std::string& step, const Facts& facts)
{
  const auto words = words_of(step);
  const bool is_question = starts_with_any(words, "report.|list.|show.|count.|print.|tell.") > 0;
  const auto told = is_question ? tell(words, facts, Width::all) : "";
  return told.empty() ? "   (not done: this takes a model or a person)\n" : told;
}

std::string run_skill(const Skill& skill, const std::optional<Facts>& facts)
{
  auto text = fmt::format("Skill {}: {}. I do those that ask for facts of this machine; the others "
                          "I only print.\n",
    escaped(skill.name, 64),
    skill.steps.size() == 1 ? "1 step" : fmt::format("{} steps", skill.steps.size()));
  for (std::size_t i = 0; i < skill.steps.size(); ++i) {
    text += fmt::format("\n{}. {}\n", i + 1, escaped(skill.steps[i], 600));
    text += facts ? run_step(skill.steps[i], *facts) : "   (not done: I was given no facts)\n";
  }
  return text;
}

// One request with all that is needed to answer it.
class Steward
{
public:
  Steward(const Request& request, const std::optional<Facts>& facts)
      : m_request(request)
      , m_facts(facts)
  {
  }

  std::string answer() const
  {
    auto words = bare_question(words_of(m_request.text));
    if (m_facts) {
      const auto addressed = whom(words);
      if (addressed.agent != nullptr && addressed.agent->name != m_facts->you) {
        return pass_on(addressed.agent->name);
      }
      if (addressed.agent != nullptr) {
        words = bare_question(to_the_point(addressed.rest));
      }
    }
    return answer_words(words);
  }

private:
  static Words to_the_point(const Words& rest)
  {
    return after(rest, starts_with_any(rest, "to.|that.|if.|whether.|about."));
  }

  Addressed whom(const Words& words) const
  {
    auto found = addressed_by_name(m_request.text, words, *m_facts);
    return found.agent != nullptr ? found : addressed_by_verb(words, *m_facts);
  }

  bool is_concierge() const
  {
    return m_facts && m_facts->you && m_facts->you == m_facts->concierge;
  }

  std::string pass_on(const std::string& agent) const
  {
    if (is_concierge()) {
      return "ROUTE_TO: " + agent + "\n";
    }
    return fmt::format("This is for {0}, and I pass nothing on. Hand it in there:\n"
                       "conos-task new --to={0} \"…\"\n",
      agent);
  }

  std::string answer_words(const Words& words) const
  {
    if (words.empty() ||
        starts_with_any(words, "help.|who are you.|what are you.|what can you do.|"
                               "what do you do.|what do you know.|what is your.|what your.") > 0) {
      return introduction(m_request);
    }
    if (const auto* skill = skill_named(m_request, words)) {
      return run_skill(*skill, m_facts);
    }
    if (is_concierge()) {
      const auto agent = agent_for_duty(words, *m_facts);
      if (agent && *agent != m_facts->you) {
        return pass_on(*agent);
      }
    }
    if (has_any(words, "skill") && asks(m_request.text, words)) {
      return m_request.skills.empty() ? "I have no skills.\n"
                                      : "My skills: " + names_of(m_request.skills) + ".\n";
    }
    if (has_any(words, "model|llm.|api key|provider|language model|openai|anthropic|gpt|claude") &&
        asks(m_request.text, words)) {
      return std::string(k_connect);
    }
    return answer_with_facts(words);
  }

  std::string answer_with_facts(const Words& words) const
  {
    const bool is_review = starts_with_any(words, "write.|make.|prepare.|do.|run.|create.") > 0 &&
                           has_any(words, "review|brief|report|summar|overview|digest|contract");
    if (!is_review && !asks(m_request.text, words)) {
      return cannot(m_request);
    }
    if (!m_facts) {
      return "I was given no facts about this machine: only officers and operators are.\n" +
             cannot(m_request);
    }
    const auto told = tell(words, *m_facts, Width::best);
    return told.empty() ? cannot(m_request) : told;
  }

  const Request& m_request;
  const std::optional<Facts>& m_facts;
};

} // namespace

std::string answer(std::string_view prompt, const std::optional<Facts>& facts)
{
  const auto request = read_request(prompt);
  return Steward(request, facts).answer();
}

} // namespace conos::steward
