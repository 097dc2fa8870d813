#pragma once

#include <array>
#include <string_view>

namespace conos::contract {

// What became of a check, from the evaluation to the last report.
enum class Status { pass, fail, warn, skip, exempt, halt, error, timeout };

constexpr std::array<Status, 8> k_statuses{Status::pass, Status::fail, Status::warn, Status::skip,
  Status::exempt, Status::halt, Status::error, Status::timeout};

enum class Severity { critical, high, medium, low, info };

std::string_view name_of(Status status);
std::string_view name_of(Severity severity);

// Whether somebody has to look: fail, halt, error, timeout. A warning is no reason to say no.
bool is_bad(Status status);

} // namespace conos::contract
