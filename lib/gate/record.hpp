#pragma once

#include "ask/wire.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// A request that is carried out outside of the gate, at once or when a person says so, and all that
// becomes of it: /var/lib/conos/approvals/ID.json. Pure, but for what asks the time of its caller.
namespace conos::gate {

enum class State {
  pending, // a person is asked
  denied,
  expired, // nobody said anything in time, or it was not begun in time
  allowed, // and not begun
  running, // begun: whoever finds it so and nobody at it does not know what was done
  done,
  failed,
  unknown, // begun, and nobody knows more
};

std::string_view to_string(State state);

bool has_ended(State state);

// The task it was asked for, as claim wrote it down.
struct AskedFor {
  std::string id;
  std::string root;
  int hop = 0;
  Trust trust = Trust::unverified;
  std::optional<std::string> sender; // of that task, the account's name
  ThreadRef thread;
};

struct Decision {
  std::string by;      // an account, or "policy"
  std::string reason;  // of a person's
  std::string pattern; // of the policy; of a person's, the one that made it ask
  std::string grant;   // the earlier request whose permission still held
  Time at;
  std::optional<Time> until; // the same may be asked for again without a person until then
};

struct Ending {
  Time at;
  std::string what;   // for people and for the agent
  std::string result; // a JSON object; empty: none
};

struct Request {
  std::string id;
  std::string agent;
  uid_t uid = 0;
  AskedFor task;
  std::string verb;
  ask::Arguments args;
  std::string nonce;   // what makes two requests that say the same two
  std::string pattern; // by which a person is asked
  Time requested_at;
  Time expires_at;
  std::string digest; // of all above but the id and the pattern

  State state = State::pending;
  std::optional<Decision> decision;
  std::optional<Time> used_at;
  std::optional<Ending> ending;
  bool is_told = false; // the agent got a task that says how it ended
};

// Whether somebody was asked, so that the agent has to be told how it ended.
bool was_asked(const Request& request);

constexpr std::size_t k_id_digits = 16;
constexpr std::size_t k_max_record_bytes = 512U << 10U;

// 16 lower-case hex digits.
bool is_request_id(std::string_view text);

// Arguments as JSON with sorted keys: what their digest is of.
std::string canonical(const ask::Arguments& args);

// SHA-256 over the canonical JSON of what was asked, by whom, for which task, when: 64 hex digits.
std::string digest_of(const Request& request);

// The same without task and time: two requests that have it ask for the same.
std::string subject_of(
  const std::string& agent, const std::string& verb, const ask::Arguments& args);

// Fills in what makes it one: nonce, digest, and the id, which is the digest's beginning. So
// whoever names a request by its id names what it says.
Result<> seal(Request& request);

// Kind::bad_data when it is not what was sealed.
Result<> check_seal(const Request& request);

std::string to_json(const Request& request);
// Kind::bad_data when the text is not one of ours, or is not what was sealed.
Result<Request> request_from_json(std::string_view text);

// --- what may become of it ---------------------------------------------------------------------
//
// Each gives the request as it is afterwards, or Kind::denied with the reason why that cannot be.

// A person or the policy decides, while it waits and in time.
Result<Request> decided(Request request, bool is_allowed, Decision decision, Time now);

// Nobody decided, or nobody began it, in time.
Result<Request> expired(Request request, Time now);

// Carrying it out begins: once, in time, and only what was allowed.
Result<Request> begun(Request request, Time now);

// `state` is done, failed or unknown; of what has begun.
Result<Request> ended(Request request, State state, Ending ending);

} // namespace conos::gate
