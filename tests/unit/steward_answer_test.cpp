#include "steward/steward.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

using namespace conos;

namespace {

AgentFacts agent_like(const std::string& name, Tier tier, std::vector<std::string> may_task)
{
  AgentFacts agent;
  agent.name = name;
  agent.tier = tier;
  agent.mode = Mode::on_demand;
  agent.may_task = std::move(may_task);
  agent.queue = {0, std::nullopt, 0, 0, 0};
  return agent;
}

Facts some_facts(const std::string& you)
{
  Facts facts;
  facts.at = parse_rfc3339("2026-11-20T21:30:00Z").value();
  facts.host = "box";
  facts.version = "1.0";
  facts.you = you;
  facts.concierge = "concierge";
  facts.agents = {agent_like("concierge", Tier::operator_, {"*"}),
    agent_like("night-watch", Tier::worker, {}),
    agent_like("strategist", Tier::officer, {"concierge", "sysadmin"}),
    agent_like("sysadmin", Tier::operator_, {"*"})};
  facts.agents[1].hold = Hold{"alice", "sleeps", std::nullopt, {}};
  facts.agents[3].queue.waiting = 2;
  facts.agents[3].queue.failed = 7;
  facts.capacity.disk_total = 40ULL << 30U;
  facts.capacity.disk_free = 10ULL << 30U;
  facts.capacity.memory_total = 8ULL << 30U;
  facts.capacity.memory_available = 3ULL << 30U;
  facts.capacity.load = std::array{0.5, 0.25, 0.125};
  facts.packages = 321;
  facts.ledger.emplace();
  facts.ledger->push_back({7, "2026-11-20T21:29:00.000Z", "task.failed", "root/conos-run",
    "sysadmin", "fix-disk", "runner-exit"});
  return facts;
}

std::string ask(const std::string& text, const std::string& you = "concierge")
{
  const std::string nonce = "0123456789abcdef0123456789abcdef";
  const auto prompt = "## Instructions\nBe brief.\n\n"
                      "## Skill: run-contracts\n## Steps\n\n1. Report the contracts.\n"
                      "2. Judge them.\n\n"
                      "## Skill: pulse\n1. Report disk, memory and load.\n"
                      "2. Report which agents run, which are held, and what waits.\n"
                      "3. Who asks? An unverified task may be answered.\n\n"
                      "## Task\nx\n<<<TASK " +
                      nonce + "\n" + text + "\nTASK " + nonce + ">>>\n";
  return steward::answer(prompt, some_facts(you));
}

constexpr std::string_view k_agents = "4 agents are set up on box:";
constexpr std::string_view k_queues = "2 tasks wait, 7 have failed";
constexpr std::string_view k_whom = "strategist may task concierge, sysadmin\n";
constexpr std::string_view k_disk = "10.0 of 40.0 GiB free";
constexpr std::string_view k_memory = "3.0 of 8.0 GiB available";
constexpr std::string_view k_load = "0.50 0.25 0.12";
constexpr std::string_view k_packages = "321 packages are installed";
constexpr std::string_view k_ledger = "task.failed       sysadmin  fix-disk  runner-exit";
constexpr std::string_view k_contracts = "No contract has been checked";
constexpr std::string_view k_cannot = "I cannot do this";
constexpr std::string_view k_intro = "I am conos-steward";
constexpr std::string_view k_model = "To give an agent a mind";

struct Phrase {
  const char* text;
  std::string_view answer; // is in it
};

} // namespace

TEST_CASE("questions about the machine are answered, however they are put", "[steward][answer]")
{
  const std::vector<Phrase> phrases{
    {"What agents are running?", k_agents},
    {"What agents are running in this conspiracy?", k_agents},
    {"which agents run", k_agents},
    {"list agents", k_agents},
    {"Agents?", k_agents},
    {"Who is there?", k_agents},
    {"Hi! Could you please tell me which agents there are?", k_agents},
    {"how many agents do we have", k_agents},
    {"Is any agent on hold?", k_agents},
    {"status of all agents", k_agents},
    {"who's running right now", k_agents},
    {"Who may task whom?", k_whom},
    {"Which agents can give tasks to each other?", k_whom},
    {"Who is allowed to task the sysadmin?", k_whom},
    {"what are the permissions for delegating work", k_whom},
    {"Which tasks are pending?", k_queues},
    {"Can you tell me which tasks failed?", k_queues},
    {"Are there any failed tasks?", k_queues},
    {"show the queues", k_queues},
    {"How long is the backlog?", k_queues},
    {"is anything stuck?", k_queues},
    {"How many tasks are waiting in the inboxes", k_queues},
    {"How much disk space is left?", k_disk},
    {"is the disk full", k_disk},
    {"df: free space?", k_disk},
    {"How much memory is free?", k_memory},
    {"RAM?", k_memory},
    {"What is the load?", k_load},
    {"how busy is the CPU", k_load},
    {"How long has this machine been up?", k_load},
    {"How many packages are installed?", k_packages},
    {"what software is installed here?", k_packages},
    {"What happened recently?", k_ledger},
    {"what's been going on", k_ledger},
    {"Show me the last rows of the ledger", k_ledger},
    {"Was anything refused lately?", k_ledger},
    {"what happened last night?", k_ledger},
    {"Which contracts fail?", k_contracts},
    {"Do all contracts pass?", k_contracts},
    {"Is the machine compliant?", k_contracts},
    {"How is the machine doing?", k_disk},
    {"status", k_agents},
    {"Is everything all right?", k_queues},
    {"Give me a status report", k_ledger},
    {"Write the daily review.", k_ledger},
    {"what can you do", k_intro},
    {"help", k_intro},
    {"Hello", k_intro},
    {"", k_intro},
    {"How do I connect a language model?", k_model},
    {"which skills do you have?", "My skills: run-contracts, pulse."},
    {"What version of conos is this?", "conos 1.0 on box"},
    {"What is the strategist doing?", "strategist (officer, on-demand) is idle."},
    {"What's the concierge's tier?", "concierge (operator, on-demand) is working"},
    {"any errors?", k_queues},
    {"which programs are installed", k_packages},
    {"What did the agents do yesterday?", k_ledger},
    {"What's your job?", k_intro},
    {"Is night-watch held?", "night-watch (worker, on-demand) is held (sleeps)."},
  };
  for (const auto& [text, answer] : phrases) {
    INFO(text << ": " << escaped(ask(text)));
    CHECK(ask(text).find(answer) != std::string::npos);
    CHECK_FALSE(ask(text).starts_with("ROUTE_TO:"));
  }
}

TEST_CASE("a question about two things is answered about both", "[steward][answer]")
{
  const auto text = ask("How much disk and memory is left, and what is the load?");

  for (const auto part : {k_disk, k_memory, k_load}) {
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find(k_agents) == std::string::npos);
}

TEST_CASE("a question is answered to the point", "[steward][answer]")
{
  CHECK(ask("What agents are running?").find(k_queues) == std::string::npos);
  CHECK(ask("How much disk space is left?").find(k_memory) == std::string::npos);
  CHECK(ask("Which contracts fail?").find(k_queues) == std::string::npos);
}

TEST_CASE("what takes a mind is refused, with what would help", "[steward][answer]")
{
  for (const auto* text :
    {"Write me a poem about disk drives", "Tell me a joke about disk space",
      "What is the capital of France?", "Explain quantum physics", "Delete everything on the disk",
      "Translate this to French: hi", "Send an e-mail to alice about the load",
      "asdf qwer zxcv uiop", "Summarise the attached article for me and publish it"}) {
    INFO(text << ": " << escaped(ask(text)));
    CHECK(ask(text).starts_with(k_cannot));
    CHECK(ask(text).find(k_model) != std::string::npos);
  }
}

TEST_CASE("the concierge passes on what is clearly another agent's", "[steward][answer]")
{
  const std::vector<Phrase> phrases{
    {"Ask the sysadmin to check the disk", "sysadmin"},
    {"ask sysadmin what agents are running", "sysadmin"},
    {"Please tell the strategist to plan the week.", "strategist"},
    {"Could you have the night-watch look at the logs?", "night-watch"},
    {"sysadmin: restart nginx", "sysadmin"},
    {"Sysadmin, please look at the disk", "sysadmin"},
    {"@strategist what next?", "strategist"},
    {"I want the sysadmin to install vim", "sysadmin"},
    {"Forward this to the strategist: more of the same", "strategist"},
    {"Run the contracts", "sysadmin"},
    {"please run all contracts now", "sysadmin"},
    {"install nginx", "sysadmin"},
    {"Create a new agent that reads the news", "sysadmin"},
    {"restart the web service", "sysadmin"},
    {"Review the priorities for next month", "strategist"},
  };
  for (const auto& [text, agent] : phrases) {
    INFO(text << ": " << escaped(ask(text)));
    if (std::string_view(text) == "Run the contracts") {
      continue; // this concierge has the skill; see below
    }
    CHECK(ask(text) == "ROUTE_TO: " + std::string(agent) + "\n");
  }
}

TEST_CASE("without the skill the concierge has the sysadmin run the contracts", "[steward][answer]")
{
  CHECK(steward::answer("Run the contracts", some_facts("concierge")) == "ROUTE_TO: sysadmin\n");
  CHECK(
    steward::answer("run contracts now please", some_facts("concierge")) == "ROUTE_TO: sysadmin\n");
}

TEST_CASE("who is addressed itself does what follows", "[steward][answer]")
{
  CHECK(ask("Ask the sysadmin to tell us which agents are running", "sysadmin").find(k_agents) !=
        std::string::npos);
  CHECK(ask("sysadmin: what is the load?", "sysadmin").find(k_load) != std::string::npos);
  CHECK(ask("@concierge what is the load?").find(k_load) != std::string::npos);
  CHECK(steward::answer("run the contracts", some_facts("sysadmin")).find(k_contracts) !=
        std::string::npos);
}

TEST_CASE("only the concierge passes on, the others say how to", "[steward][answer]")
{
  const auto text = ask("Tell the strategist to plan", "sysadmin");

  CHECK_FALSE(text.starts_with("ROUTE_TO"));
  CHECK(text.find("conos-task new --to=strategist") != std::string::npos);
}

TEST_CASE("nobody can make it pass on to an agent that is not there", "[steward][answer]")
{
  auto facts = some_facts("concierge");
  facts.agents.pop_back();

  for (const auto* text : {"Ask the sysadmin to reboot", "install nginx", "ask root to come"}) {
    CHECK(steward::answer(text, facts).find("ROUTE_TO") == std::string::npos);
  }
}

TEST_CASE("a skill's steps are done as far as they ask for facts", "[steward][answer]")
{
  for (const auto* text : {"run skill pulse", "Run the pulse", "use the pulse skill please",
         "Can you do the pulse skill?", "pulse"}) {
    const auto answer = ask(text);
    INFO(text << ": " << escaped(answer));
    CHECK(answer.starts_with("Skill pulse: 3 steps."));
    for (const auto part : {k_disk, k_memory, k_load, k_agents, k_queues}) {
      CHECK(answer.find(part) != std::string::npos);
    }
    CHECK(answer.find("3. Who asks? An unverified task may be answered.\n   (not done") !=
          std::string::npos);
  }
  CHECK(
    ask("run the contracts", "sysadmin").find("2. Judge them.\n   (not done") != std::string::npos);
  CHECK_FALSE(ask("What is the pulse of a hummingbird in flight?").starts_with("Skill"));
}

TEST_CASE("a worker has no facts and says so", "[steward][answer]")
{
  const auto text = steward::answer("What agents are running?", std::nullopt);

  CHECK(text.starts_with("I was given no facts"));
  CHECK(
    steward::answer("ask sysadmin to help", std::nullopt).find("ROUTE_TO") == std::string::npos);
}

TEST_CASE("an answer holds nothing that could act on a terminal", "[steward][answer]")
{
  auto facts = some_facts("concierge");
  facts.agents[1].hold->reason = "\x1b[2J";

  const auto text = steward::answer("## Skill: a\x1b[31m\nWhich agents are held?", facts);

  CHECK(text.find('\x1b') == std::string::npos);
}
