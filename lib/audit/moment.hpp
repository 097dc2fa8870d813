#pragma once

#include "audit/ledger.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Rows have the time of the wall clock, which anybody who is root may set. What happened to that
// clock is recorded, by comparing it with one that nobody can set.
namespace conos::audit {

struct Moment {
  std::string boot;    // 32 hex digits: the kernel's id of this boot
  Duration since_boot; // CLOCK_BOOTTIME, which goes on while the machine sleeps
  Time wall;
};

// None where /proc does not tell.
std::optional<Moment> this_moment();

std::string to_text(const Moment& moment);
std::optional<Moment> moment_in(std::string_view text);

// The rows that tell what happened to the clock between two appends: machine.booted, with both
// boots, and clock.jumped, with how far. A clock that is steered, at most 500 parts in a million as
// adjtimex(2) allows, does not jump; nor does one that goes forward while the machine is off. Each
// row has a key of its own, so that it is recorded once.
std::vector<Row> happened(const Moment& before, const Moment& now, const std::string& actor);

// When a moment is too old to compare with: what the clock may have been steered since then would
// hide a jump.
bool is_outdated(const Moment& before, const Moment& now);

} // namespace conos::audit
