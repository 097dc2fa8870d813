#pragma once

#include "run_site.hpp"

#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "config/gate.hpp"
#include "gate/desk.hpp"
#include "gate/granted.hpp"
#include "host/immutable.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace conos::gate {

inline Decision by(const std::string& account)
{
  Decision decision;
  decision.by = account;
  decision.at = now();
  return decision;
}

// A site with one agent that is working on a task, and a world that only says it did.
struct GateSite : TestSite {
  GateSite()
  {
    namespace fs = std::filesystem;
    for (const auto* name : {"approvals", "proposals"}) {
      fs::create_directories(site.lib + "/" + name);
      fs::permissions(site.lib + "/" + name, fs::perms::owner_all);
    }
    fs::create_directories(site.srv + "/task-contracts");
    fs::create_directories(site.srv + "/artifacts/content");
    add_agent("writer", {"other"});
    add_agent("other");
  }

  Desk desk() const { return Desk::open(site, "root/test").value(); }

  Request sealed(const std::string& verb = "service.restart",
    ask::Arguments args = {{"unit", "web.service"}}) const
  {
    Request request;
    request.agent = "writer";
    request.uid = ::geteuid();
    request.task.id = "fix-disk";
    request.task.root = "fix-disk";
    request.task.thread.id = "t1";
    request.verb = verb;
    request.args = std::move(args);
    request.requested_at = now();
    request.expires_at = now() + std::chrono::hours(24);
    REQUIRE(seal(request));
    return request;
  }

  Request pending(const std::string& verb = "service.restart",
    ask::Arguments args = {{"unit", "web.service"}}) const
  {
    const auto request = sealed(verb, std::move(args));
    auto one = desk();
    REQUIRE(file_pending(one, request));
    return request;
  }

  Hands hands()
  {
    Hands hands;
    hands.restart = [this](const std::string& unit) -> Result<> {
      restarted.push_back(unit);
      return {};
    };
    hands.run = [this](const Command& command, const Bounds&) -> Result<conos::Ended> {
      commands.push_back(command.argv);
      conos::Ended ended;
      if (const auto known = prints.find(command.argv.front()); known != prints.end()) {
        ended.out = known->second.first;
        ended.status = known->second.second;
      }
      return ended;
    };
    return hands;
  }

  // The last command of that program.
  std::vector<std::string> ran(const std::string& program) const
  {
    const auto found = std::find_if(commands.rbegin(), commands.rend(), [&](const auto& argv) {
      return argv.front() == program;
    });
    return found == commands.rend() ? std::vector<std::string>() : *found;
  }

  // What is in transit.
  std::vector<Meta> told() const
  {
    std::vector<Meta> all;
    const auto transit = open_dir(site.transit()).value();
    const auto ids = list_names(transit, 1000).value();
    for (const auto& id : ids) {
      const auto there = open_dir_at(transit, id).value();
      all.push_back(
        meta_from_json(read_file(there, "meta.json", k_max_meta_bytes).value()).value());
    }
    return all;
  }

  std::vector<audit::Event> rows() const
  {
    auto reader = audit::Reader::open(site.lib + "/" + audit::k_database).value();
    return reader.last(1000).value();
  }

  // Types of the rows about a request.
  std::vector<std::string> rows_of(const std::string& id) const
  {
    std::vector<std::string> types;
    for (const auto& row : rows()) {
      if (row.payload.find("\"approval\":\"" + id + "\"") != std::string::npos) {
        types.push_back(row.type);
      }
    }
    return types;
  }

  std::vector<std::string> restarted;
  std::vector<std::vector<std::string>> commands;
  std::map<std::string, std::pair<std::string, int>> prints; // by program: output and status
};

} // namespace conos::gate
