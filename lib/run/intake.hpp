#pragma once

#include "run/step.hpp"
#include "sys/error.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// From inbox/ to claimed/: what lies in a drop box was put there by somebody else, perhaps while
// we look at it.
namespace conos {

enum class Readiness {
  ready,
  ripening, // its writer is not done: look again in a moment
};

// A file nobody has open for writing is ready, as is one whose writer has not touched it for a
// second, or has been at it for a minute; what is no regular file is ready to be refused.
Readiness readiness_of(const UniqueFd& inbox, const std::string& name);

// How many files may wait in an inbox, and how many of them may be one sender's.
struct InboxBounds {
  std::size_t files = SIZE_MAX;
  std::size_t per_sender = SIZE_MAX;
};

// Files in an inbox, by whose they are.
using Senders = std::map<uid_t, std::vector<std::string>>;

struct Waiting {
  std::vector<std::string> next;    // in the order to take them in
  std::vector<std::string> surplus; // the last of whoever has more waiting than may wait
  bool is_of_several = false;       // senders
};

// Pure: who comes next and what is too much. Senders take turns, beginning with the one after
// `last`, each with its first names in byte order; together they are about `limit`. Where more wait
// than may, each may have an even share.
Waiting arrange(
  Senders senders, std::size_t limit, const InboxBounds& bounds, std::optional<uid_t> last);

// The same of an inbox, without names that begin with a dot and without sidecars whose task is
// there. Looks at 65,536 files; what lies behind them is seen when those are gone.
Result<Waiting> look_over(const UniqueFd& inbox, std::size_t limit, const InboxBounds& bounds = {},
  std::optional<uid_t> last = {});

// What its header asks for, 0 to 9, 9 first; more than the usual 5 only of a trusted sender, or who
// shouts would be served first.
int priority_of(Step& step, const std::string& name);

// Moves inbox/NAME to claimed/ID/original: the transition. None when it is gone: somebody else's
// sweep took it, or its owner took it back. A name that cannot be an id gets a new one. Its sidecar
// follows when it is examined.
Result<std::optional<std::string>> take(Step& step, const std::string& name);

// What is known of claimed/ID/original without opening it.
Result<Meta> identify(Step& step, const std::string& id);

// What came of looking at claimed/ID/original: a task, or the end of one that was refused.
struct Examined {
  Meta meta;        // not written yet: until it is, the next claim judges again
  std::string text; // of the task, what `task` has
  std::optional<Receipt> refusal;
};

// Judges claimed/ID/original and makes the copy `task` of it, which is not flushed: `original` is
// what stays after a power cut, for as long as it is there.
Result<Examined> examine(Step& step, const std::string& id);

} // namespace conos
