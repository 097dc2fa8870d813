#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A task contract: work that somebody opened, that one at a time claims for a while, and that is
// complete when all the contracts it names pass. What may become of one is a table; pure, but for
// what asks the time of its caller.
namespace conos::task_contract {

enum class State { open, in_progress, blocked, completed, cancelled };

inline constexpr std::array k_states{
  State::open, State::in_progress, State::blocked, State::completed, State::cancelled};

std::string_view to_string(State state);
std::optional<State> state_called(std::string_view name);

bool has_ended(State state);

enum class Deed { claim, renew, release, block, go_on, note, complete, cancel, lapse };

inline constexpr std::array k_deeds{Deed::claim, Deed::renew, Deed::release, Deed::block,
  Deed::go_on, Deed::note, Deed::complete, Deed::cancel, Deed::lapse};

// What it is called afterwards, in the history and in the ledger: "claimed".
std::string_view past_of(Deed deed);
constexpr std::string_view k_opened = "opened";

// Who may do it. The holder is who has a lease that has not run out.
struct Who {
  bool anybody = false;
  bool holder = false;
  bool opener = false;
  bool root = false;
  bool clock = false; // nobody: a lease has run out
};

struct Transition {
  Deed deed;
  State from;
  State to;
  Who who;
};

// All there are; nothing else ever happens to one.
inline constexpr auto k_transitions = std::to_array<Transition>({
  {Deed::claim, State::open, State::in_progress, {.anybody = true}},
  {Deed::renew, State::in_progress, State::in_progress, {.holder = true}},
  {Deed::renew, State::blocked, State::blocked, {.holder = true}},
  {Deed::release, State::in_progress, State::open, {.holder = true, .root = true}},
  {Deed::release, State::blocked, State::open, {.holder = true, .root = true}},
  {Deed::block, State::in_progress, State::blocked, {.holder = true, .root = true}},
  {Deed::go_on, State::blocked, State::in_progress, {.holder = true, .root = true}},
  {Deed::note, State::open, State::open, {.opener = true, .root = true}},
  {Deed::note, State::in_progress, State::in_progress,
    {.holder = true, .opener = true, .root = true}},
  {Deed::note, State::blocked, State::blocked, {.holder = true, .opener = true, .root = true}},
  {Deed::complete, State::open, State::completed, {.root = true}},
  {Deed::complete, State::in_progress, State::completed, {.holder = true, .root = true}},
  {Deed::cancel, State::open, State::cancelled, {.opener = true, .root = true}},
  {Deed::cancel, State::in_progress, State::cancelled, {.opener = true, .root = true}},
  {Deed::cancel, State::blocked, State::cancelled, {.opener = true, .root = true}},
  {Deed::lapse, State::in_progress, State::open, {.clock = true}},
  {Deed::lapse, State::blocked, State::open, {.clock = true}},
});

// nullptr where there is none.
const Transition* transition(Deed deed, State from);

constexpr Duration k_usual_lease = std::chrono::minutes(5);
constexpr Duration k_shortest_lease = std::chrono::seconds(1);
constexpr Duration k_longest_lease = std::chrono::hours(24);
constexpr std::size_t k_max_id = 64;
constexpr std::size_t k_max_title = 256;
constexpr std::size_t k_max_description = 16U << 10U;
constexpr std::size_t k_max_message = 1000;
constexpr std::size_t k_max_checks = 16;
constexpr std::size_t k_kept_changes = 100; // of the history; the ledger has all of them

struct Lease {
  std::string owner; // an account
  std::string task;  // the agent's, for which it was claimed; empty: none
  Time claimed_at;
  Time until;
};

struct Change {
  std::string what; // k_opened or past_of
  Time at;
  std::string by;     // an account; "conos" when a lease ran out
  std::string task{}; // the agent's, in which it was done; empty: none
  std::string message{};
  State state = State::open; // it led to
};

struct TaskContract {
  std::string id;
  std::string title;
  std::string description;
  std::string opened_by;           // an account
  std::vector<std::string> checks; // ids of contracts, or ID/NAME
  std::optional<Time> due_at;
  Time created_at;
  Time updated_at;
  State state = State::open;
  std::optional<Lease> lease;  // in_progress and blocked have one, nothing else has
  std::vector<Change> history; // the newest last
};

// Who does something, as the kernel says.
struct Actor {
  std::string account;
  bool is_root = false;
  std::string task{}; // the agent's, in which it does so; empty: none
};

struct Draft {
  std::string id;
  std::string title;
  std::string description{};
  std::vector<std::string> checks{};
  std::optional<Time> due_at{};
};

struct Wish {
  Deed deed = Deed::note;
  std::string message{};
  Duration lease = k_usual_lease; // of claim and renew
};

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool is_id(std::string_view text);

// The id of a contract of the machine, or of one of its checks: ID/NAME.
bool is_check(std::string_view text);

// Kind::bad_data with what is wrong with it.
Result<TaskContract> opened(const Draft& draft, const Actor& actor, Time now);

// The ids in a text with commas between them.
std::vector<std::string> checks_in(std::string_view text);

// Of arguments by their names: id, title, description, checks (with commas), due (a time). Those
// that are empty are not given. Kind::bad_data when a time is none.
using Arguments = std::map<std::string, std::string, std::less<>>;
Result<Draft> draft_of(const Arguments& args);

// The deed that leads to a status by an update: block or go_on, and note for no status at all.
// Kind::bad_data for others, which have a deed of their own.
Result<Deed> deed_of_status(std::string_view status);

// Whether somebody's lease has run out.
bool has_lapsed(const TaskContract& contract, Time now);

// As it is afterwards. Kind::bad_data: the message or the lease cannot be; Kind::busy: somebody
// else has it, and until when; Kind::denied: not in this state, or not for this one. What has
// lapsed lapses first, which is a change of its own.
Result<TaskContract> changed(TaskContract contract, const Wish& wish, const Actor& actor, Time now);

// The lease has run out, and it is open again.
TaskContract lapsed(TaskContract contract, Time now);

} // namespace conos::task_contract
