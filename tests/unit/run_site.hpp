#pragma once

#include "audit/sha256.hpp"
#include "config/compiled.hpp"
#include "run/batch.hpp"
#include "run/claim.hpp"
#include "run/deliver.hpp"
#include "run/route.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"
#include "temp_dir.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace conos {

// A whole site in a directory, as bootstrap would have made it, and the agent's program played by
// the test: so the steps of root are tried without a systemd. Must run as root: they give files
// away.
struct TestSite {
  TestSite()
      : site(dir.path)
  {
    namespace fs = std::filesystem;
    for (const auto* name : {"inbox", "transit", "agents"}) {
      fs::create_directories(site.srv + "/" + name);
    }
    for (const auto* name : {"compiled", "hold", "locks", "mend", "pace", "instructions"}) {
      fs::create_directories(site.lib + "/" + name);
    }
    fs::permissions(site.lib, fs::perms::owner_all);
    fs::create_directories(site.etc);
  }

  void add_agent(const std::string& name, std::vector<std::string> may_task = {})
  {
    namespace fs = std::filesystem;
    for (const auto* state : {"inbox", "claimed", "drafts", "outbox", "processed", "failed", "held",
           "threads", "workspace"}) {
      fs::create_directories(site.agent(name) + "/" + state);
    }
    fs::create_directories(site.instructions(name));
    REQUIRE(publish(open_dir(site.instructions(name)).value(), "AGENTS.md", "You are here.", 0600));
    AgentSettings settings;
    settings.name = name;
    settings.uid = ::geteuid();
    settings.gid = ::getegid();
    settings.runner = {"/bin/cat"};
    settings.retry = {Duration(0)};
    settings.attempts = 2;
    settings.may_task = std::move(may_task);
    settings.instructions_sha256 = audit::sha256_hex("You are here.");
    save(settings);
    routing.agents.push_back(name);
    routing.concierge = routing.agents.front();
    REQUIRE(replace(open_dir(site.compiled()).value(), "routes.json", to_json(routing), 0600));
  }

  void save(const AgentSettings& settings)
  {
    REQUIRE(
      replace(open_dir(site.compiled()).value(), settings.name + ".json", to_json(settings), 0600));
  }

  AgentSettings settings(const std::string& name)
  {
    return load_agent_settings(open_dir(site.compiled()).value(), name).value();
  }

  void drop(const std::string& agent, const std::string& file, const std::string& text)
  {
    REQUIRE(publish(open_dir(site.agent(agent) + "/inbox").value(), file, text, 0600));
  }

  UniqueFd state(const std::string& agent, const std::string& name)
  {
    return open_dir(site.agent(agent) + "/" + name).value();
  }

  std::vector<std::string> names(const std::string& agent, const std::string& name)
  {
    auto all = list_names(state(agent, name), 1000).value();
    std::sort(all.begin(), all.end());
    return all;
  }

  // What a program that answers would leave of one task.
  void play(
    const std::string& agent, const std::string& id, const std::string& answer, int status = 0)
  {
    const auto drafts = open_dir(site.agent(agent) + "/drafts/" + id).value();
    RunRecord record;
    record.started_at = record.finished_at = now();
    record.how = "exited";
    record.status = status;
    REQUIRE(publish(drafts, "response", answer, 0600));
    REQUIRE(publish(drafts, "exit.json", to_json(record), 0600));
  }

  // One whole activation in which every task of the batch is answered.
  void activate(const std::string& agent, const std::string& answer = "done")
  {
    REQUIRE(claim(site, agent, ""));
    if (const auto batch = read_batch(open_dir(site.agent(agent)).value())) {
      for (const auto& id : batch->tasks) {
        play(agent, id, answer);
      }
    }
    REQUIRE(deliver(site, agent, {}));
  }

  // The receipt of an ended task, wherever it ended.
  Receipt receipt(const std::string& agent, const std::string& id)
  {
    for (const auto* where : {"processed", "failed"}) {
      const auto text = read_file(state(agent, where), id + ".json", k_max_meta_bytes);
      if (text) {
        return receipt_from_json(*text).value();
      }
    }
    FAIL("no receipt for " << id);
    return {};
  }

  TempDir dir;
  Site site;
  Routing routing;
};

} // namespace conos
