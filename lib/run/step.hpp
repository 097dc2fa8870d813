#pragma once

#include "audit/ledger.hpp"
#include "config/compiled.hpp"
#include "host/provenance.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conos {

constexpr std::string_view k_step_actor = "root/conos-run";

// What a step of root's works with: one agent, its settings, its directories, the ledger.
class Step
{
public:
  // Takes the agent's lock for as long as the step lives.
  static Result<Step> open(const Site& site, const std::string& agent);

  // Opened at the first use: an activation that finds nothing to do never touches the ledger.
  Result<audit::Ledger*> ledger();

  const Site& site() const { return m_site; }
  const AgentSettings& settings() const { return m_settings; }
  const AgentTree& tree() const { return m_tree; }
  TrustedUsers& trusted() { return m_trusted; }

private:
  Step(Site site, AgentSettings settings, AgentTree tree, AgentLock lock);

  Site m_site;
  AgentSettings m_settings;
  AgentTree m_tree;
  AgentLock m_lock;
  TrustedUsers m_trusted;
  std::optional<audit::Ledger> m_ledger;
};

// One task in claimed/: its directory, and what is known of it.
struct ClaimedTask {
  UniqueFd dir;
  Meta meta;
};

Result<UniqueFd> open_claimed(const Step& step, const std::string& id);
Result<ClaimedTask> read_claimed(const Step& step, const std::string& id);
Result<Meta> read_meta(const UniqueFd& dir);
Result<> write_meta(const Step& step, const UniqueFd& dir, const Meta& meta, Durable durable);

// How large `task` may be in claimed/: what a sender may give, and the header to_text adds.
std::size_t task_limit(const AgentSettings& settings);

// A file the agent left: taken only as what it must be, one of its own with one name, never as what
// its name says. Kind::bad_data when it is something else, or larger than `limit` bytes.
Result<std::string> read_draft(
  const Step& step, const UniqueFd& drafts, const std::string& name, std::size_t limit);

// A ledger row about a task. `more` is the inside of a JSON object: `"trust":"verified"`.
audit::Row row_about(const Meta& meta, std::string_view type, const std::string& more);

// Kind::busy when the disk has no room for what new work would have to record.
Result<> may_begin(const audit::Ledger& ledger);

// A JSON string, or null.
std::string json_text(const std::optional<std::string>& text);

// True when the agent's own directories know `id`: waiting to be worked on, held, or ended.
Result<bool> id_is_used(const AgentTree& tree, const std::string& id);

// How long a task waits that an activation died over: nothing of systemd's stops a loop that takes
// a second a turn. Doubles with each claim, to a minute.
Duration brake(int claims);

// Puts a claimed task aside until `until`, durably; the sweep returns it. `reason` goes to the
// ledger. The sender's own file goes, unless the task was not examined yet.
Result<> hold_task(Step& step, ClaimedTask task, std::optional<std::string> hold, Time until,
  const std::string& reason);

} // namespace conos
