#include "run/step.hpp"

#include "sys/file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos {

namespace {

// Lets go of the sender's own file.
Result<> drop_original(const UniqueFd& claimed_dir)
{
  for (const auto* name : {"original", "name", "sidecar", "deaths"}) {
    CONOS_CHECK(remove_name(claimed_dir, name));
  }
  return {};
}

} // namespace

Step::Step(Site site, AgentSettings settings, AgentTree tree, AgentLock lock)
    : m_site(std::move(site))
    , m_settings(std::move(settings))
    , m_tree(std::move(tree))
    , m_lock(std::move(lock))
{
}

Result<Step> Step::open(const Site& site, const std::string& agent)
{
  if (!is_agent_name(agent)) {
    return fail(Kind::usage, "'{}' is not the name of an agent", agent);
  }
  CONOS_TRY(const auto compiled, open_dir(site.compiled()));
  CONOS_TRY(auto settings, load_agent_settings(compiled, agent));
  CONOS_TRY(auto lock, AgentLock::take(site, agent));
  CONOS_TRY(auto tree, AgentTree::open(site, agent));
  return Step(site, std::move(settings), std::move(tree), std::move(lock));
}

Result<audit::Ledger*> Step::ledger()
{
  if (!m_ledger) {
    CONOS_TRY(m_ledger, audit::Ledger::open(m_site.lib));
  }
  return &*m_ledger;
}

Result<UniqueFd> open_claimed(const Step& step, const std::string& id)
{
  return open_dir_at(step.tree().claimed, id);
}

Result<ClaimedTask> read_claimed(const Step& step, const std::string& id)
{
  ClaimedTask task;
  CONOS_TRY(task.dir, open_claimed(step, id));
  CONOS_TRY(task.meta, read_meta(task.dir));
  return task;
}

Result<Meta> read_meta(const UniqueFd& dir)
{
  CONOS_TRY(const auto text, read_file(dir, "meta.json", k_max_meta_bytes));
  return meta_from_json(text);
}

std::size_t task_limit(const AgentSettings& settings)
{
  constexpr std::size_t k_header_bytes = 4096;
  return settings.max_task_bytes + k_header_bytes;
}

Result<> write_meta(const Step& step, const UniqueFd& dir, const Meta& meta, Durable durable)
{
  return replace(dir, "meta.json", to_json(meta), 0440, {0, step.settings().gid}, durable);
}

Result<std::string> read_draft(
  const Step& step, const UniqueFd& drafts, const std::string& name, std::size_t limit)
{
  CONOS_TRY(const auto file, open_beneath(drafts, name));
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != step.settings().uid) {
    return fail(Kind::bad_data, "'{}' is not a file of the agent's own", name);
  }
  return read_all(file, limit);
}

audit::Row row_about(const Meta& meta, std::string_view type, const std::string& more)
{
  audit::Row row;
  row.type = type;
  row.actor = k_step_actor;
  row.payload = fmt::format(R"({{"agent":{},"id":{},"root":{}{}{}}})", json_text(meta.agent),
    json_text(meta.id), json_text(meta.root), more.empty() ? "" : ",", more);
  row.key = ledger_key(meta, type);
  return row;
}

Result<> may_begin(const audit::Ledger& ledger)
{
  return ledger.has_room()
           ? Result<>()
           : fail(Kind::busy,
               "the disk of the ledger is full: nothing new is begun until it has room");
}

std::string json_text(const std::optional<std::string>& text)
{
  using Json = nlohmann::json;
  return (text ? Json(*text) : Json()).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<bool> id_is_used(const AgentTree& tree, const std::string& id)
{
  const auto receipt = id + ".json";
  for (const auto& [dir, name] : {std::pair(&tree.claimed, &id), std::pair(&tree.held, &id),
         std::pair(&tree.processed, &receipt), std::pair(&tree.failed, &receipt)}) {
    CONOS_TRY(const bool used, is_there(*dir, *name));
    if (used) {
      return true;
    }
  }
  return false;
}

Duration brake(int claims)
{
  return std::chrono::seconds(std::min(60, 1 << std::clamp(claims - 1, 0, 6)));
}

Result<> hold_task(Step& step, ClaimedTask task, std::optional<std::string> hold, Time until,
  const std::string& reason)
{
  task.meta.invocation.reset();
  task.meta.hold = std::move(hold);
  task.meta.not_before = until;
  CONOS_TRY(const bool has_original, is_there(task.dir, "original"));
  const bool copy_will_do = has_original && task.meta.sha256.task;
  if (copy_will_do) {
    CONOS_TRY(const auto copy, open_beneath(task.dir, "task"));
    CONOS_CHECK(sync_file(copy));
  }
  CONOS_CHECK(write_meta(step, task.dir, task.meta, Durable::yes));
  CONOS_TRY(auto* ledger, step.ledger());
  auto row = row_about(task.meta, "task.held",
    fmt::format(R"("not_before":"{}","reason":{})", rfc3339(until), json_text(reason)));
  row.key = ledger_key(task.meta, task.meta.claims, row.type);
  CONOS_CHECK(ledger->append({row}));
  CONOS_CHECK(move_name(step.tree().claimed, task.meta.id, step.tree().held, task.meta.id));
  CONOS_CHECK(sync_file(step.tree().held));
  return copy_will_do ? drop_original(task.dir) : Result<>{};
}

} // namespace conos
