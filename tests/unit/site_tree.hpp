#pragma once

#include "temp_dir.hpp"

#include "task/meta.hpp"
#include "task/site.hpp"

#include <filesystem>

namespace conos {

// The trees of a machine in a fresh directory, with the agents a test asks for.
struct SiteTree {
  SiteTree()
      : site(dir.path)
  {
    for (const auto& path : {site.inbox(), site.transit(), site.agents(), site.compiled(),
           site.lib + "/hold", site.lib + "/locks", site.etc}) {
      std::filesystem::create_directories(path);
    }
  }

  void add_agent(const std::string& name) const
  {
    for (const auto* state :
      {"inbox", "claimed", "drafts", "held", "outbox", "processed", "failed"}) {
      std::filesystem::create_directories(site.agent(name) + "/" + state);
    }
  }

  void put(const std::string& path, std::string_view text) const
  {
    const std::filesystem::path file(path);
    std::filesystem::create_directories(file.parent_path());
    const auto opened = open_dir(file.parent_path());
    REQUIRE(opened);
    REQUIRE(replace(*opened, file.filename(), text, 0640));
  }

  // A task that has ended, as deliver leaves it.
  void put_ended(const Receipt& receipt, std::string_view response) const
  {
    const auto top = site.agent(receipt.meta.agent);
    if (receipt.response) {
      put(top + "/outbox/" + receipt.response->file, response);
    }
    const auto text = to_json(receipt);
    put(top + "/outbox/" + outbox_stem(receipt.meta) + ".json", text);
    const bool good = receipt.outcome == Outcome::answered || receipt.outcome == Outcome::forwarded;
    put(top + (good ? "/processed/" : "/failed/") + receipt.meta.id + ".json", text);
    put(top + (good ? "/processed/" : "/failed/") + receipt.meta.id + ".task", "the text\n");
  }

  TempDir dir;
  Site site;
};

inline Meta meta_like(const std::string& id, const std::string& root, const std::string& agent)
{
  Meta meta;
  meta.id = id;
  meta.root = root;
  meta.agent = agent;
  meta.hop = id == root ? 0 : 1;
  meta.attempt = 1;
  meta.sender.name = "alice";
  meta.submitted_at = parse_rfc3339("2026-11-20T21:30:00Z").value();
  meta.claimed_at = parse_rfc3339("2026-11-20T21:30:01Z").value();
  return meta;
}

inline Receipt receipt_like(const Meta& meta, Outcome outcome)
{
  Receipt receipt;
  receipt.meta = meta;
  receipt.outcome = outcome;
  receipt.runner = "cat";
  receipt.exit = {"success", "exited", 0};
  receipt.started_at = meta.claimed_at;
  receipt.finished_at = *meta.claimed_at + std::chrono::seconds(2);
  if (outcome == Outcome::answered) {
    receipt.response = ResponseRef{outbox_stem(meta) + ".response", 6, std::string(64, '0'), false};
  }
  if (outcome == Outcome::failed) {
    receipt.reason = "runner-exit";
  }
  return receipt;
}

} // namespace conos
