#include "run/route.hpp"

#include "audit/ledger.hpp"
#include "config/compiled.hpp"
#include "host/provenance.hpp"
#include "run/finish.hpp"
#include "run/intake.hpp"
#include "run/step.hpp"
#include "run/transit.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/id.hpp"
#include "task/route.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

namespace conos {

namespace {

constexpr std::string_view k_route_actor = "root/conos-route";
constexpr std::size_t k_at_once = 256;

// Reads as much of a waiting file as deciding where it goes needs. Anything else than a readable
// task is the concierge's to refuse; what could not be read just now is nobody's yet.
Result<Route> route_of(const UniqueFd& inbox, const std::string& name, const Routing& routing)
{
  Route to_concierge{routing.concierge, "concierge"};
  const auto text = read_file(inbox, name, routing.max_task_bytes);
  if (!text && is_passing(text.error())) {
    return tl::unexpected<Error>(text.error());
  }
  if (!text || !is_utf8(*text)) {
    return to_concierge;
  }
  const auto envelope = parse_envelope(*text);
  if (!envelope) {
    return to_concierge;
  }
  return decide_route(routing, *envelope).value_or(to_concierge);
}

struct Move {
  std::string name;
  Route route;
};

// One that cannot be moved does not stop the others; the first reason is kept.
void note(Result<>& failed, std::string_view deed, const std::string& name, const Error& error)
{
  log::error("{} '{}': {}", deed, escaped(name), error.text());
  if (failed) {
    failed = tl::unexpected<Error>(error);
  }
}

class OuterInbox
{
public:
  OuterInbox(const Site& site, const Routing& routing, UniqueFd inbox)
      : m_site(site)
      , m_routing(routing)
      , m_inbox(std::move(inbox))
  {
  }

  // Up to k_at_once files. `ripening` tells whether one was left because its writer is not done,
  // `failed` why one could not be moved.
  Result<std::size_t> move_some(audit::Ledger& ledger, bool& ripening, Result<>& failed)
  {
    ripening = false;
    CONOS_TRY(const auto waiting, look_over(m_inbox, k_at_once));
    std::vector<Move> moves;
    std::vector<audit::Row> rows;
    for (const auto& name : waiting.next) {
      if (readiness_of(m_inbox, name) == Readiness::ripening) {
        ripening = true;
        continue;
      }
      if (auto prepared = prepare(name); !prepared) {
        note(failed, "route", name, prepared.error());
      } else if (*prepared) {
        rows.push_back(std::move((*prepared)->row));
        moves.push_back(std::move((*prepared)->move));
      }
    }
    if (!rows.empty()) {
      CONOS_CHECK(may_begin(ledger));
      CONOS_CHECK(ledger.append(rows));
    }
    std::size_t moved = 0;
    for (const auto& move : moves) {
      const auto done = carry_out(move);
      moved += done ? 1 : 0;
      if (!done) {
        note(failed, "route", move.name, done.error());
      }
    }
    return moved;
  }

private:
  struct Prepared {
    Move move;
    audit::Row row;
  };

  // None when the file is gone.
  Result<std::optional<Prepared>> prepare(const std::string& name) const
  {
    const auto st = stat_at(m_inbox, name);
    if (!st && st.error().kind == Kind::not_found) {
      return std::nullopt;
    }
    if (!st) {
      return tl::unexpected<Error>(st.error());
    }
    CONOS_TRY(auto route, route_of(m_inbox, name, m_routing));
    Move move{name, std::move(route)};
    CONOS_TRY(auto row, row_of(move, *st));
    return Prepared{std::move(move), std::move(row)};
  }

  // The inode and its time make the key: a route that died after the row and before the move writes
  // no second one, and the next task of the same name has its own.
  static Result<audit::Row> row_of(const Move& move, const struct stat& st)
  {
    CONOS_TRY(const auto sender, account_name(st.st_uid));
    audit::Row row;
    row.type = "task.routed";
    row.actor = k_route_actor;
    row.payload = fmt::format(R"({{"name":{},"rule":"{}","sender":{},"to":{}}})",
      json_text(escaped(move.name)), move.route.rule, json_text(sender), json_text(move.route.to));
    row.key = fmt::format("{}/{}.{}.{}/task.routed", escaped(move.name), st.st_ino,
      st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return row;
  }

  Result<> carry_out(const Move& move) const
  {
    CONOS_TRY(const auto tree, AgentTree::open(m_site, move.route.to));
    const auto sidecar = move.name + ".meta.json";
    CONOS_TRY(const bool has_sidecar, is_there(m_inbox, sidecar));
    if (has_sidecar) { // first, so that it is there when its task is taken
      auto moved = move_name(m_inbox, sidecar, tree.inbox, sidecar);
      if (!moved && moved.error().kind != Kind::exists && moved.error().kind != Kind::not_found) {
        return moved;
      }
    }
    auto moved = move_name(m_inbox, move.name, tree.inbox, move.name);
    if (!moved && moved.error().kind == Kind::exists) {
      CONOS_TRY(const auto salt, random_hex(8));
      moved = move_name(m_inbox, move.name, tree.inbox, renamed(move.name, salt));
    }
    if (!moved && moved.error().kind == Kind::not_found) {
      return {}; // its owner took it back
    }
    CONOS_CHECK(moved);
    return sync_file(tree.inbox);
  }

  static std::string renamed(const std::string& name, const std::string& salt)
  {
    const auto stem = task_stem(name);
    return stem.empty() ? "renamed-" + salt
                        : std::string(stem.substr(0, 119)) + "-" + salt + ".task";
  }

  const Site& m_site;
  const Routing& m_routing;
  UniqueFd m_inbox;
};

class Transit
{
public:
  Transit(const Site& site, const Routing& routing, UniqueFd transit)
      : m_site(site)
      , m_routing(routing)
      , m_transit(std::move(transit))
  {
  }

  Result<std::size_t> carry_all(audit::Ledger& ledger, Result<>& failed)
  {
    CONOS_TRY(const auto names, list_names(m_transit, k_at_once, [](auto name) {
      return !name.starts_with('.');
    }));
    std::size_t carried = 0;
    for (const auto& id : names) {
      const auto done = carry(ledger, id);
      carried += done ? 1 : 0;
      if (!done) {
        note(failed, "carry", id, done.error());
      }
    }
    return carried;
  }

private:
  Result<> carry(audit::Ledger& ledger, const std::string& id)
  {
    CONOS_TRY(const auto dir, open_dir_at(m_transit, id));
    CONOS_TRY(const bool whole, is_there(dir, "meta.json"));
    if (!whole) { // it came here in one piece: a route died that was removing it, see below
      return remove_tree(m_transit, id);
    }
    CONOS_TRY(const auto text, read_file(dir, "meta.json", k_max_meta_bytes));
    CONOS_TRY(auto meta, meta_from_json(text));
    CONOS_TRY(const bool agent_is_there, knows(meta.agent));
    if (!agent_is_there) { // the chain ends, with a receipt, at the concierge
      return end_without_agent(std::move(meta), dir, id);
    }
    CONOS_TRY(auto step, Step::open(m_site, meta.agent));
    CONOS_TRY(const bool there_already, is_repeated(step, meta));
    if (there_already) {
      return remove_tree(m_transit, id);
    }
    CONOS_CHECK(ledger.append({row_about(meta, "task.routed",
      fmt::format(R"("kind":"{}","rule":"transit","sender":{},"to":{})", to_string(meta.kind),
        json_text(meta.sender.name), json_text(meta.agent)))}));
    return move_in(step, dir, id, meta);
  }

  Result<bool> knows(const std::string& agent) const
  {
    CONOS_TRY(const auto compiled, open_dir(m_site.compiled()));
    return is_agent_name(agent) ? is_there(compiled, agent + ".json") : Result<bool>(false);
  }

  // The same files under the names they have in claimed/: one rename, and the agent has its task.
  Result<> move_in(Step& step, const UniqueFd& dir, const std::string& old_id, const Meta& meta)
  {
    const Owner owner{0, step.settings().gid};
    for (const auto* name : {"task", "meta.json"}) {
      CONOS_TRY(const auto file, open_beneath(dir, name));
      CONOS_CHECK(hand_to(file, 0440, owner));
    }
    if (old_id != meta.id) {
      CONOS_CHECK(write_meta(step, dir, meta, Durable::yes));
    }
    CONOS_CHECK(hand_to(dir, 0750, owner));
    CONOS_CHECK(move_name(m_transit, old_id, step.tree().claimed, meta.id));
    return sync_file(step.tree().claimed);
  }

  static Result<> hand_to(const UniqueFd& fd, mode_t mode, const Owner& owner)
  {
    if (::fchown(fd.get(), owner.uid, owner.gid) < 0 || ::fchmod(fd.get(), mode) < 0) {
      return os_error("hand over a file");
    }
    return {};
  }

  // A deliver that was killed and repeated puts the same task into transit again, perhaps after its
  // first copy has arrived. Where another task has the id, `meta` gets its other one.
  Result<bool> is_repeated(const Step& step, Meta& meta) const
  {
    for (const auto& id : {meta.id, other_id(meta)}) {
      CONOS_TRY(const auto there, known(step, id));
      if (there && is_same_task(*there, meta)) {
        return true;
      }
    }
    CONOS_TRY(const bool used, id_is_used(step.tree(), meta.id));
    if (used) {
      meta.id = other_id(meta);
    }
    return false;
  }

  // None, too, for a task of that id of which nothing is known yet.
  static Result<std::optional<Meta>> known(const Step& step, const std::string& id)
  {
    for (const auto* state : {&step.tree().claimed, &step.tree().held}) {
      const auto dir = open_dir_at(*state, id);
      if (!dir && dir.error().kind == Kind::not_found) {
        continue;
      }
      if (!dir) {
        return tl::unexpected<Error>(dir.error());
      }
      CONOS_TRY(auto meta, read_known(*dir, "meta.json"));
      if (meta) {
        return meta;
      }
    }
    for (const auto* state : {&step.tree().processed, &step.tree().failed}) {
      CONOS_TRY(auto meta, read_known(*state, id + ".json"));
      if (meta) {
        return meta;
      }
    }
    return std::nullopt;
  }

  static Result<std::optional<Meta>> read_known(const UniqueFd& dir, const std::string& name)
  {
    const auto text = read_file(dir, name, k_max_meta_bytes);
    if (!text && text.error().kind == Kind::not_found) {
      return std::nullopt;
    }
    if (!text) {
      return tl::unexpected<Error>(text.error());
    }
    CONOS_TRY(auto meta, meta_from_json(*text));
    return std::optional(std::move(meta));
  }

  Result<> end_without_agent(Meta meta, const UniqueFd& dir, const std::string& id)
  {
    log::warning("there is no agent '{}' for '{}'", escaped(meta.agent, 64), meta.id);
    meta.agent = m_routing.concierge;
    CONOS_TRY(auto step, Step::open(m_site, meta.agent));
    CONOS_TRY(const bool there_already, is_repeated(step, meta));
    if (there_already) {
      return remove_tree(m_transit, id);
    }
    Receipt receipt;
    receipt.meta = meta;
    receipt.meta.claimed_at = now();
    receipt.outcome = Outcome::failed;
    receipt.reason = "no-route";
    receipt.finished_at = now();
    receipt.exit = {"refused", "none", 0};
    CONOS_CHECK(decide(step, {receipt})); // first: a claim that found it undecided would take it on
    return move_in(step, dir, id, meta);
  }

  const Site& m_site;
  const Routing& m_routing;
  UniqueFd m_transit;
};

} // namespace

Result<std::size_t> route_waiting(const Site& site)
{
  CONOS_TRY(const auto compiled, open_dir(site.compiled()));
  CONOS_TRY(const auto routing, load_routing(compiled));
  CONOS_TRY(auto ledger, audit::Ledger::open(site.lib));
  CONOS_TRY(auto inbox, open_dir(site.inbox()));
  CONOS_TRY(auto transit, open_dir(site.transit()));
  OuterInbox outer(site, routing, std::move(inbox));
  Transit between(site, routing, std::move(transit));

  std::size_t total = 0;
  Result<> failed;
  constexpr int k_looks = 50; // at a writer that is not done, as claim does
  for (int look = 0; look < k_looks; ++look) {
    bool ripening = false;
    failed = {};
    CONOS_TRY(const auto routed, outer.move_some(ledger, ripening, failed));
    CONOS_TRY(const auto carried, between.carry_all(ledger, failed));
    total += routed + carried;
    if (routed + carried > 0) {
      look = 0;
      continue; // there may be more than was taken at once
    }
    if (!ripening) {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  if (!failed) { // what stays wakes its path unit again at once: whoever calls us must pause
    return tl::unexpected<Error>(failed.error());
  }
  return total;
}

Result<> put_scheduled_task(const Site& site, const std::string& agent)
{
  CONOS_TRY(const auto compiled, open_dir(site.compiled()));
  CONOS_TRY(const auto settings, load_agent_settings(compiled, agent));
  Meta meta;
  CONOS_TRY(meta.id, new_task_id(now()));
  meta.root = meta.id;
  meta.agent = agent;
  meta.kind = TaskKind::cron;
  meta.sender = {0, "root", std::nullopt};
  meta.trust = Trust::verified;
  meta.submitted_at = now();
  const auto text = settings.cron_task.empty() ? "Do what is due now.\n" : settings.cron_task;
  return put_in_transit(site, meta, text);
}

} // namespace conos
