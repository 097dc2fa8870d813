#include "task_contract/state.hpp"

#include "sys/text.hpp"

#include <algorithm>
#include <utility>

namespace conos::task_contract {

namespace {

constexpr std::array<std::pair<State, std::string_view>, k_states.size()> k_state_names{
  {{State::open, "open"}, {State::in_progress, "in_progress"}, {State::blocked, "blocked"},
    {State::completed, "completed"}, {State::cancelled, "cancelled"}}};

constexpr std::array<std::pair<Deed, std::string_view>, k_deeds.size()> k_past{
  {{Deed::claim, "claimed"}, {Deed::renew, "renewed"}, {Deed::release, "released"},
    {Deed::block, "blocked"}, {Deed::go_on, "resumed"}, {Deed::note, "noted"},
    {Deed::complete, "completed"}, {Deed::cancel, "cancelled"}, {Deed::lapse, "lapsed"}}};

bool is_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_line(std::string_view text)
{
  return is_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != 0x7f;
  });
}

bool is_held(const TaskContract& contract)
{
  return contract.lease.has_value();
}

Who who_is(const TaskContract& contract, const Actor& actor)
{
  Who who;
  who.anybody = true;
  who.holder = is_held(contract) && contract.lease->owner == actor.account;
  who.opener = contract.opened_by == actor.account;
  who.root = actor.is_root;
  return who;
}

bool may(const Who& allowed, const Who& who)
{
  return (allowed.anybody && who.anybody) || (allowed.holder && who.holder) ||
         (allowed.opener && who.opener) || (allowed.root && who.root);
}

std::string holder_of(const TaskContract& contract)
{
  return contract.lease ? fmt::format("{} has it until {}", escaped(contract.lease->owner, 64),
                            rfc3339(contract.lease->until, 0))
                        : std::string("nobody has claimed it");
}

void add_change(
  TaskContract& contract, std::string_view what, const Actor& actor, std::string message, Time now)
{
  contract.updated_at = now;
  contract.history.push_back(
    {std::string(what), now, actor.account, actor.task, std::move(message), contract.state});
  if (contract.history.size() > k_kept_changes) {
    contract.history.erase(contract.history.begin() + 1); // who opened it stays
  }
}

Result<> check_message(std::string_view message)
{
  return is_utf8(message) && message.size() <= k_max_message
           ? Result<>{}
           : fail(Kind::bad_data, "a message is at most {} bytes of UTF-8", k_max_message);
}

Result<> check_lease(Duration lease)
{
  return lease >= k_shortest_lease && lease <= k_longest_lease
           ? Result<>{}
           : fail(Kind::bad_data, "a lease is from {} to {}", for_people(k_shortest_lease),
               for_people(k_longest_lease));
}

Result<> check_draft(const Draft& draft)
{
  if (!is_id(draft.id)) {
    return fail(Kind::bad_data,
      "'{}' cannot be the id of a task contract: letters, digits, '.', '_' and '-', at most {}",
      escaped(draft.id, 80), k_max_id);
  }
  if (trimmed(draft.title).empty() || draft.title.size() > k_max_title || !is_line(draft.title)) {
    return fail(Kind::bad_data, "a title is a line of 1 to {} bytes", k_max_title);
  }
  if (draft.description.size() > k_max_description || !is_utf8(draft.description)) {
    return fail(Kind::bad_data, "a description is at most {} bytes of UTF-8", k_max_description);
  }
  if (draft.checks.size() > k_max_checks) {
    return fail(Kind::bad_data, "at most {} contracts are named", k_max_checks);
  }
  const auto bad = std::find_if_not(draft.checks.begin(), draft.checks.end(), is_check);
  return bad == draft.checks.end()
           ? Result<>{}
           : fail(Kind::bad_data, "'{}' cannot be the id of a contract", escaped(*bad, 80));
}

} // namespace

std::string_view to_string(State state)
{
  return k_state_names[static_cast<std::size_t>(state)].second;
}

std::optional<State> state_called(std::string_view name)
{
  const auto* found = std::find_if(k_state_names.begin(), k_state_names.end(), [&](const auto& s) {
    return s.second == name;
  });
  return found == k_state_names.end() ? std::nullopt : std::optional(found->first);
}

bool has_ended(State state)
{
  return state == State::completed || state == State::cancelled;
}

std::string_view past_of(Deed deed)
{
  return k_past[static_cast<std::size_t>(deed)].second;
}

const Transition* transition(Deed deed, State from)
{
  const auto* found =
    std::find_if(k_transitions.begin(), k_transitions.end(), [&](const Transition& one) {
      return one.deed == deed && one.from == from;
    });
  return found == k_transitions.end() ? nullptr : found;
}

bool is_id(std::string_view text)
{
  return !text.empty() && text.size() <= k_max_id && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_word(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_check(std::string_view text)
{
  constexpr std::size_t k_most = 128;
  return !text.empty() && text.size() <= k_most && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_word(c) || c == '.' || c == '_' || c == '-' || c == '/';
         });
}

Result<TaskContract> opened(const Draft& draft, const Actor& actor, Time now)
{
  CONOS_CHECK(check_draft(draft));
  TaskContract contract;
  contract.id = draft.id;
  contract.title = draft.title;
  contract.description = draft.description;
  contract.opened_by = actor.account;
  contract.checks = draft.checks;
  contract.due_at = draft.due_at;
  contract.created_at = now;
  add_change(contract, k_opened, actor, "", now);
  return contract;
}

std::vector<std::string> checks_in(std::string_view text)
{
  std::vector<std::string> checks;
  for (const auto word : split(text, ',')) {
    if (!trimmed(word).empty()) {
      checks.emplace_back(trimmed(word));
    }
  }
  return checks;
}

Result<Draft> draft_of(const Arguments& args)
{
  const auto given = [&](std::string_view name) {
    const auto found = args.find(name);
    return found == args.end() ? std::string() : found->second;
  };
  Draft draft{given("id"), given("title"), given("description"), checks_in(given("checks"))};
  if (const auto due = given("due"); !due.empty()) {
    CONOS_TRY(draft.due_at, parse_rfc3339(due));
  }
  return draft;
}

Result<Deed> deed_of_status(std::string_view status)
{
  if (status.empty()) {
    return Deed::note;
  }
  const auto state = state_called(status);
  if (state == State::blocked || state == State::in_progress) {
    return state == State::blocked ? Deed::block : Deed::go_on;
  }
  return fail(Kind::bad_data,
    "an update leads to in_progress or blocked, not to '{}'; claim, release and close do the rest",
    escaped(status, 40));
}

bool has_lapsed(const TaskContract& contract, Time now)
{
  return is_held(contract) && contract.lease->until <= now;
}

TaskContract lapsed(TaskContract contract, Time now)
{
  const Actor nobody{"conos", false};
  auto message = contract.lease ? "the lease of " + contract.lease->owner + " ran out" : "";
  contract.lease.reset();
  contract.state = State::open;
  add_change(contract, past_of(Deed::lapse), nobody, std::move(message), now);
  return contract;
}

Result<TaskContract> changed(TaskContract contract, const Wish& wish, const Actor& actor, Time now)
{
  CONOS_CHECK(check_message(wish.message));
  const bool takes_lease = wish.deed == Deed::claim || wish.deed == Deed::renew;
  CONOS_CHECK(takes_lease ? check_lease(wish.lease) : Result<>{});
  if (has_lapsed(contract, now)) {
    contract = lapsed(std::move(contract), now);
  }
  const auto* step = transition(wish.deed, contract.state);
  if (step == nullptr && wish.deed == Deed::claim && is_held(contract)) {
    return fail(Kind::busy, "'{}': {}", contract.id, holder_of(contract));
  }
  if (step == nullptr) {
    return fail(Kind::denied, "'{}' is {}: it cannot be {}", contract.id, to_string(contract.state),
      past_of(wish.deed));
  }
  if (!may(step->who, who_is(contract, actor))) {
    return fail(Kind::denied, "'{}' cannot be {} by {}: {}", contract.id, past_of(wish.deed),
      escaped(actor.account, 64), holder_of(contract));
  }
  contract.state = step->to;
  if (wish.deed == Deed::claim) {
    contract.lease = Lease{actor.account, actor.task, now, now + wish.lease};
  } else if (wish.deed == Deed::renew) {
    contract.lease->until = now + wish.lease;
  } else if (step->to != State::in_progress && step->to != State::blocked) {
    contract.lease.reset();
  }
  add_change(contract, past_of(wish.deed), actor, wish.message, now);
  return contract;
}

} // namespace conos::task_contract
