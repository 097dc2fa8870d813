#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

namespace conos::contract {

namespace {

// In a description # begins a directive and a backslash escapes; escaped() has doubled those there
// were.
std::string described(std::string_view text)
{
  std::string out;
  for (const char c : escaped(text, 500)) {
    out += c == '#' ? "\\#" : std::string(1, c);
  }
  return out;
}

std::string quoted(std::string_view text)
{
  std::string out = "'";
  for (const char c : escaped(text, 1000)) {
    out += c == '\'' ? "''" : std::string(1, c);
  }
  return out + "'";
}

// A warning is a failure that is tolerated, which TAP calls TODO.
std::string line_of(const Row& row, std::size_t number)
{
  const auto label = described(label_of(row));
  const auto message = described(row.message);
  switch (row.status) {
  case Status::pass:
    return fmt::format("ok {} - {}\n", number, label);
  case Status::skip:
  case Status::exempt:
    return fmt::format("ok {} - {} # SKIP {}\n", number, label, message);
  case Status::warn:
    return fmt::format("not ok {} - {} # TODO {}\n", number, label, message);
  case Status::fail:
  case Status::halt:
  case Status::error:
  case Status::timeout:
    break;
  }
  return fmt::format("not ok {} - {}\n", number, label);
}

std::string block_of(const Row& row)
{
  if (!is_bad(row.status)) {
    return "";
  }
  auto out = fmt::format("  ---\n  status: {}\n  severity: {}\n  what: {}\n  message: {}\n",
    name_of(row.status), name_of(row.severity()), quoted(row.what()), quoted(row.message));
  if (row.check != nullptr && !row.check->verify.empty()) {
    out += fmt::format("  verify: {}\n", quoted(row.check->verify));
  }
  return out + fmt::format("  file: {}\n  ...\n", quoted(row.file()));
}

} // namespace

// Version 13: perl's own consumer knows no later one, and nothing of 14 is needed.
std::string tap_report(const Report& report)
{
  auto out = fmt::format("TAP version 13\n1..{}\n", report.rows.size());
  std::size_t number = 0;
  for (const auto& row : report.rows) {
    out += line_of(row, ++number) + block_of(row);
  }
  return out;
}

} // namespace conos::contract
