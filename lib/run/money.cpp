#include "run/money.hpp"

#include "audit/bodies.hpp"
#include "budget/current.hpp"
#include "budget/store.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <algorithm>

namespace conos {

namespace {

constexpr auto k_longest_hold = std::chrono::hours(24);
constexpr std::size_t k_max_body_bytes = 64U << 20U;
constexpr std::size_t k_at_once = 4096;

std::string place_of_budget(const Site& site)
{
  return site.lib + "/" + budget::k_directory;
}

// Nothing when there is none yet, or it cannot be read: what is asked here is asked for comfort.
std::optional<budget::Store> store_of(const Step& step)
{
  if (!step.settings().has_model) {
    return std::nullopt;
  }
  auto store = budget::Store::open(place_of_budget(step.site()), budget::Store::Make::no);
  if (!store && store.error().kind != Kind::not_found) {
    log::warning("the budget: {}", escaped(store.error().text()));
  }
  return store ? std::optional(std::move(*store)) : std::nullopt;
}

Result<> collect(const UniqueFd& dir, const audit::Bodies& bodies, const std::string& name)
{
  CONOS_TRY(const auto file, open_beneath(dir, name));
  CONOS_TRY(const auto st, stat_of(file));
  if (S_ISREG(st.st_mode)) {
    CONOS_TRY(const auto bytes, read_all(file, k_max_body_bytes));
    CONOS_CHECK(bodies.put(bytes)); // under the digest it has, whatever its name says
  }
  return remove_name(dir, name);
}

} // namespace

std::optional<Time> budget_hold(const Step& step)
{
  auto store = store_of(step);
  const auto pause = store ? store->pause_of(step.settings().name, now()) : std::nullopt;
  if (!pause || !*pause) {
    return std::nullopt;
  }
  return std::min<Time>((*pause)->until.value_or(Time::max()), now() + k_longest_hold);
}

bool is_out_of_budget(const Step& step, const Meta& meta)
{
  auto store = store_of(step);
  return store && store->is_out_of_budget(meta.agent, meta.id).value_or(false);
}

Usage usage_of(const Step& step, const Meta& meta)
{
  auto store = store_of(step);
  const auto spent = store ? store->spent_on(meta.agent, meta.id) : budget::Spent();
  return spent ? Usage{spent->calls, spent->input_tokens, spent->output_tokens, spent->usd}
               : Usage();
}

Result<> show_current(const Step& step, const Meta& meta)
{
  return step.settings().has_model
           ? budget::write_current(step.site().lib + "/" + budget::k_current, meta.agent,
               {meta.id, meta.root, meta.attempt})
           : Result<>{};
}

Result<> forget_current(const Step& step)
{
  return step.settings().has_model
           ? budget::remove_current(step.site().lib + "/" + budget::k_current, step.settings().name)
           : Result<>{};
}

Result<> collect_bodies(const Site& site)
{
  const auto dir = open_dir(place_of_budget(site) + "/" + audit::k_bodies);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(const auto names, list_names(*dir, k_at_once));
  CONOS_TRY(const auto bodies, audit::Bodies::open(site.lib));
  for (const auto& name : names) {
    const auto done = collect(*dir, bodies, name);
    if (!done && done.error().kind != Kind::not_found) { // another step took it
      return done;
    }
  }
  return {};
}

} // namespace conos
