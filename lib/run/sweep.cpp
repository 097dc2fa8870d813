#include "run/sweep.hpp"

#include "audit/seal.hpp"
#include "config/compiled.hpp"
#include "host/units.hpp"
#include "run/batch.hpp"
#include "run/money.hpp"
#include "run/step.hpp"
#include "run/transit.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/hold.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace conos {

namespace {

constexpr std::string_view k_sweep_actor = "root/conos-run";
constexpr std::size_t k_at_once = 4096;
constexpr auto* k_checkpoint_service = "conos-checkpoint.service";

// systemd.exec(5): from 200 on, what failed before the program ran.
constexpr int k_first_setup_status = 200;

// As systemd has it (hidden_or_backup_file in basic/path-util.c): with nothing but such names in it
// a directory is empty to DirectoryNotEmpty=.
bool is_hidden(std::string_view name)
{
  constexpr std::array<std::string_view, 18> k_ends{".rpmnew", ".rpmsave", ".rpmorig", ".dpkg-old",
    ".dpkg-new", ".dpkg-tmp", ".dpkg-dist", ".dpkg-bak", ".dpkg-backup", ".dpkg-remove", ".ucf-new",
    ".ucf-old", ".ucf-dist", ".swp", ".bak", ".old", ".new", "~"};
  return name.starts_with('.') || name == "lost+found" || name == "aquota.user" ||
         name == "aquota.group" || std::any_of(k_ends.begin(), k_ends.end(), [&](auto end) {
           return name.ends_with(end);
         });
}

// Somebody may still be writing under a hidden name, and rename when done. When it was last changed
// its owner can say, but not when it was last changed that.
bool is_left_over(const UniqueFd& dir, const std::string& name)
{
  const auto st = stat_at(dir, name);
  return st && now() - time_of(st->st_ctim) > std::chrono::minutes(1);
}

// How often a unit was mended in a row: /var/lib/conos/mend/UNIT, "3 2026-11-20T21:30:00.000Z", and
// "stopped" behind it while it is ours to start.
class Mendings
{
public:
  explicit Mendings(UniqueFd dir)
      : m_dir(std::move(dir))
  {
  }

  struct State {
    int times = 0;
    Time last;
    bool is_stopped = false;
  };

  State read(const std::string& unit) const
  {
    State state;
    const auto text = read_file(m_dir, unit, 128);
    if (!text) {
      return state;
    }
    const auto words = split(trimmed(*text), ' ');
    (void)std::from_chars(text->data(), text->data() + text->size(), state.times);
    state.last = words.size() > 1 ? parse_rfc3339(words[1]).value_or(Time()) : Time();
    state.is_stopped = words.size() > 2 && words[2] == k_stopped;
    return state;
  }

  Result<> write(const std::string& unit, const State& state) const
  {
    return replace(m_dir, unit,
      fmt::format("{} {}{}{}\n", state.times, rfc3339(state.last), state.is_stopped ? " " : "",
        state.is_stopped ? k_stopped : ""),
      0600);
  }

private:
  static constexpr std::string_view k_stopped = "stopped";

  UniqueFd m_dir;
};

class Sweep
{
public:
  Sweep(const Site& site, Units units, Mendings mendings)
      : m_site(site)
      , m_units(std::move(units))
      , m_mendings(std::move(mendings))
  {
  }

  Result<> run()
  {
    CONOS_TRY(const auto compiled, open_dir(m_site.compiled()));
    CONOS_TRY(const auto routing, load_routing(compiled));
    CONOS_TRY(const auto outer, open_dir(m_site.inbox()));
    note(clear_transit(m_site), "transit");
    note(collect_bodies(m_site), "bodies of calls");
    note(show_hidden(outer), "the outer inbox");
    note(mend("conos-outer-inbox.path", "conos-route.service"), "the outer inbox");
    for (const auto& agent : routing.agents) {
      note(sweep_agent(agent), agent);
    }
    note(sign_if_due(), "the ledger"); // last, with the rows of this sweep
    return m_first_error;
  }

private:
  void note(const Result<>& result, const std::string& what)
  {
    if (!result) {
      log::error("sweep {}: {}", what, result.error().text());
      if (m_first_error) {
        m_first_error = result;
      }
    }
  }

  Result<> sweep_agent(const std::string& agent)
  {
    {
      auto opened = Step::open(m_site, agent);
      if (!opened && opened.error().kind == Kind::not_found) { // conos-bootstrap is at it
        log::notice("'{}' is half made: {}", agent, opened.error().text());
        return {};
      }
      CONOS_TRY(auto step, std::move(opened));
      CONOS_CHECK(show_hidden(step.tree().inbox));
      CONOS_CHECK(return_due(step));
      CONOS_CHECK(forget_batch(step));
      CONOS_CHECK(forget_drafts(step));
      CONOS_CHECK(remove_trash(step.tree().claimed));
    }
    if (is_held(m_site, agent)) {
      return {}; // its units are stopped on purpose
    }
    return mend("conos-" + agent + ".path", "conos-" + agent + ".service");
  }

  Result<> record(const std::string& type, const std::string& payload, const std::string& key)
  {
    if (!m_ledger) {
      CONOS_TRY(m_ledger, audit::Ledger::open(m_site.lib));
    }
    audit::Row row;
    row.type = type;
    row.actor = k_sweep_actor;
    row.payload = payload;
    row.key = key;
    CONOS_CHECK(m_ledger->append({row}));
    return {};
  }

  // A deliver that died as it was done leaves the list of what it had to do; while claimed/ is not
  // empty it may be one that is being worked on.
  static Result<> forget_batch(const Step& step)
  {
    CONOS_TRY(const auto some, list_names(step.tree().claimed, 1, [](auto name) {
      return !name.starts_with('.');
    }));
    return some.empty() ? remove_batch(step.tree().top) : Result<>{};
  }

  // Of tasks that are gone: deliver could not remove them then.
  static Result<> forget_drafts(const Step& step)
  {
    const auto& tree = step.tree();
    CONOS_CHECK(remove_trash(tree.drafts));
    CONOS_TRY(const auto ids, list_names(tree.drafts, k_at_once, [](auto name) {
      return !name.starts_with('.');
    }));
    for (const auto& id : ids) {
      CONOS_TRY(const bool claimed, is_there(tree.claimed, id));
      CONOS_TRY(const bool held, is_there(tree.held, id));
      if (!claimed && !held) {
        CONOS_CHECK(remove_tree(tree.drafts, id));
      }
    }
    return {};
  }

  // --- held tasks ------------------------------------------------------------------------------

  Result<> return_due(Step& step)
  {
    CONOS_TRY(const auto ids, list_names(step.tree().held, k_at_once));
    for (const auto& id : ids) { // one that cannot be returned holds up no other
      note(return_if_due(step, id).map_error(during("return '" + escaped(id) + "'")),
        step.settings().name);
    }
    return {};
  }

  // A person lifts the other holds; a budget may be paused longer or shorter than was thought.
  static bool is_due(const Step& step, const Meta& meta)
  {
    if (meta.hold && *meta.hold == "budget") {
      return !budget_hold(step);
    }
    return (!meta.hold || *meta.hold == "retry") && (!meta.not_before || *meta.not_before <= now());
  }

  static Result<> return_if_due(Step& step, const std::string& id)
  {
    CONOS_TRY(const auto dir, open_dir_at(step.tree().held, id));
    CONOS_TRY(const auto text, read_file(dir, "meta.json", k_max_meta_bytes));
    CONOS_TRY(auto meta, meta_from_json(text));
    if (!is_due(step, meta)) {
      return {};
    }
    meta.hold.reset();
    meta.not_before.reset();
    CONOS_CHECK(write_meta(step, dir, meta, Durable::yes));
    CONOS_TRY(auto* ledger, step.ledger());
    auto row = row_about(meta, "task.retried", fmt::format(R"("attempt":{})", meta.attempt));
    row.key = ledger_key(meta, meta.claims, row.type);
    CONOS_CHECK(ledger->append({row}));
    CONOS_CHECK(move_name(step.tree().held, id, step.tree().claimed, id));
    return sync_file(step.tree().claimed);
  }

  // --- files no path unit sees -----------------------------------------------------------------

  Result<> show_hidden(const UniqueFd& inbox)
  {
    CONOS_TRY(const auto names, list_names(inbox, k_at_once, is_hidden));
    for (const auto& name : names) {
      if (is_left_over(inbox, name)) {
        CONOS_CHECK(show(inbox, name));
      }
    }
    return {};
  }

  Result<> show(const UniqueFd& inbox, const std::string& name)
  {
    CONOS_TRY(const auto salt, random_hex(8));
    auto visible = visible_name(name);
    if (is_hidden(visible)) { // "x.task.bak" is no task, and must not become one
      visible += "-" + salt;
    }
    bool taken = !is_plain_name(visible);
    if (!taken) {
      CONOS_TRY(taken, is_there(inbox, visible));
    }
    if (taken) {
      visible = salt + (visible.ends_with(".task") ? ".task" : "");
    }
    CONOS_CHECK(record("sweep.mended",
      fmt::format(R"({{"name":{},"now":{},"what":"hidden"}})", json_text(escaped(name)),
        json_text(escaped(visible))),
      ""));
    const auto moved = move_name(inbox, name, inbox, visible);
    return !moved && moved.error().kind == Kind::not_found ? Result<>{} : moved;
  }

  // --- units -----------------------------------------------------------------------------------

  Result<> mend(const std::string& path_unit, const std::string& service)
  {
    CONOS_TRY(const auto path, m_units.state(path_unit));
    auto state = m_mendings.read(path_unit);
    const bool paused = now() - state.last < mending_pause(state.times);
    if (state.is_stopped) {
      return paused && !path.is_active() ? Result<>() : start_again(path, state);
    }
    CONOS_TRY(const auto woken, m_units.state(service));
    const bool loops = path.is_active() && cannot_start(woken) && was_just_tried(woken);
    if (!loops && (!path.is_failed() || paused)) {
      return {};
    }
    if (now() - state.last > 2 * mending_pause(state.times + 1)) {
      state.times = 0; // it was well for a while
    }
    ++state.times;
    state.last = now();
    state.is_stopped = loops;
    CONOS_CHECK(m_mendings.write(path_unit, state));
    CONOS_CHECK(record_mending(path, woken, state.times));
    if (loops) {
      log::warning("{} cannot be started; what wakes it is stopped, for the {}. time in a row",
        service, state.times);
      return m_units.stop(path_unit, Until::queued);
    }
    log::warning("{} failed ({}); started again, for the {}. time in a row", path_unit, path.result,
      state.times);
    (void)m_units.reset_failed(service); // it may well not have failed
    CONOS_CHECK(m_units.reset_failed(path_unit));
    return m_units.start(path_unit, Until::queued);
  }

  // A path unit that wakes a unit again and again that cannot be started fails when it has done so
  // often enough in a short time. On a machine that is too slow for that it would go on for ever.
  static bool cannot_start(const UnitState& service)
  {
    const auto* step = failed_start_pre(service);
    return step != nullptr && step->status >= k_first_setup_status;
  }

  static bool was_just_tried(const UnitState& service)
  {
    const auto* step = failed_start_pre(service);
    return step != nullptr && step->started && now() - *step->started < std::chrono::seconds(5);
  }

  Result<> start_again(const UnitState& path, Mendings::State state)
  {
    state.is_stopped = false;
    CONOS_CHECK(m_mendings.write(path.name, state));
    return path.is_active() ? Result<>() : m_units.start(path.name, Until::queued);
  }

  Result<> record_mending(const UnitState& path, const UnitState& service, int times)
  {
    const auto* step = failed_start_pre(service);
    return record(cannot_start(service) ? "agent.unstartable" : "sweep.mended",
      fmt::format(
        R"({{"result":{},"service_result":{},"status":{},"times":{},"unit":{},"what":"unit"}})",
        json_text(path.result), json_text(service.result), step != nullptr ? step->status : 0,
        times, json_text(path.name)),
      "");
  }

  // --- checkpoints -----------------------------------------------------------------------------

  Result<> sign_if_due()
  {
    const auto rows = audit::rows_not_signed(m_site.lib);
    if (!rows && rows.error().kind == Kind::bad_data) {
      return {}; // the next checkpoint is refused, and says why
    }
    CONOS_CHECK(rows);
    if (*rows < k_rows_to_sign) {
      return {}; // nearly always, and systemd need not be asked
    }
    CONOS_TRY(const auto service, m_units.state(k_checkpoint_service));
    return is_checkpoint_due(*rows, service) ? m_units.start(k_checkpoint_service, Until::queued)
                                             : Result<>{};
  }

  const Site& m_site;
  Units m_units;
  Mendings m_mendings;
  std::optional<audit::Ledger> m_ledger;
  Result<> m_first_error;
};

} // namespace

Duration mending_pause(int times)
{
  if (times <= 0) {
    return Duration(0);
  }
  const Duration pause = std::chrono::seconds(15L << std::min(times, 10));
  return std::min<Duration>(pause, std::chrono::minutes(15));
}

bool is_checkpoint_due(std::int64_t rows, const UnitSummary& service)
{
  return rows >= k_rows_to_sign && service.load == "loaded" && service.active == "inactive";
}

std::string visible_name(std::string_view hidden)
{
  while (hidden.starts_with('.')) {
    hidden.remove_prefix(1);
  }
  while (hidden.ends_with('~')) {
    hidden.remove_suffix(1);
  }
  return std::string(hidden);
}

Result<> sweep(const Site& site)
{
  CONOS_TRY(auto units, Units::connect());
  CONOS_TRY(auto mend, open_dir(site.lib + "/mend"));
  return Sweep(site, std::move(units), Mendings(std::move(mend))).run();
}

} // namespace conos
