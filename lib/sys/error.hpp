#pragma once

#include <fmt/core.h>
#include <tl/expected.hpp>

#include <cerrno>
#include <string>
#include <utility>

namespace conos {

// What went wrong, for programs. Callers branch on it, never on the words.
enum class Kind { usage, bad_data, not_found, exists, denied, busy, unavailable, config, os };

struct Error {
  Kind kind = Kind::os;
  int err = 0;      // errno where it happened, 0 when the system had no say
  std::string what; // the deed and its object: "open '7.task'"

  // The whole message for people; the last part is the system's own words.
  std::string text() const;
};

template<class T = void>
using Result = tl::expected<T, Error>;

// The kind an errno value means to a caller: ENOENT is not_found, EACCES denied, and so on.
Kind kind_of(int err);

// Whether the machine was the trouble and not the object: out of descriptors, memory, room. The
// same deed may succeed in a moment, so nothing final may be concluded from it.
bool is_passing(const Error& error);

template<class... Args>
tl::unexpected<Error> fail(Kind kind, fmt::format_string<Args...> form, Args&&... args)
{
  return tl::unexpected<Error>(Error{kind, 0, fmt::format(form, std::forward<Args>(args)...)});
}

// For the line after a failed system call. Reads errno before it formats: formatting allocates.
template<class... Args>
tl::unexpected<Error> os_error(fmt::format_string<Args...> form, Args&&... args)
{
  const int err = errno;
  return tl::unexpected<Error>(
    Error{kind_of(err), err, fmt::format(form, std::forward<Args>(args)...)});
}

// For map_error: puts the caller's own purpose in front, "submit a task: open 'x'".
inline auto during(std::string purpose)
{
  return [purpose = std::move(purpose)](Error error) {
    error.what = purpose + ": " + error.what;
    return error;
  };
}

} // namespace conos

#define CONOS_CONCAT_(a, b) a##b
#define CONOS_CONCAT(a, b) CONOS_CONCAT_(a, b)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses

// Declares `decl` from the value of a Result, or returns its error to our caller.
#define CONOS_TRY(decl, expr)                                                                      \
  auto CONOS_CONCAT(conos_try_, __LINE__) = (expr);                                                \
  if (!CONOS_CONCAT(conos_try_, __LINE__)) {                                                       \
    return tl::unexpected<::conos::Error>(std::move(CONOS_CONCAT(conos_try_, __LINE__)).error());  \
  }                                                                                                \
  decl = *std::move(CONOS_CONCAT(conos_try_, __LINE__))

// Returns the error of a Result that carries nothing else.
#define CONOS_CHECK(expr)                                                                          \
  if (auto conos_check = (expr); !conos_check) {                                                   \
    return tl::unexpected<::conos::Error>(std::move(conos_check).error());                         \
  }

// NOLINTEND(bugprone-macro-parentheses)
