#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>

namespace conos::contract {

namespace {

// Control characters, which XML cannot hold, are escaped before.
std::string xml(std::string_view text, std::size_t limit = 4000)
{
  std::string out;
  for (const char c : escaped(text, limit)) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

std::string xml_lines(std::string_view text)
{
  std::string out;
  for (const auto line : split(text, '\n')) {
    out += (out.empty() ? "" : "\n") + xml(line);
  }
  return out;
}

double seconds(std::chrono::microseconds took)
{
  return static_cast<double>(took.count()) / 1e6;
}

std::string host_name()
{
  std::array<char, 256> name{};
  (void)::gethostname(name.data(), name.size() - 1);
  return name.data();
}

struct Suite {
  std::string_view id;
  std::vector<const Row*> rows;
};

std::vector<Suite> suites_of(const Report& report)
{
  std::vector<Suite> out;
  for (const auto& row : report.rows) {
    if (out.empty() || out.back().id != row.id()) {
      out.push_back({row.id(), {}});
    }
    out.back().rows.push_back(&row);
  }
  return out;
}

std::string case_of(const Row& row)
{
  const auto head = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"",
    xml(row.id()), xml(row.name()), seconds(row.took));
  const auto detail = xml_lines(fmt::format("{}\n{}", row.what(), row.evidence));
  switch (row.status) {
  case Status::pass:
  case Status::warn:
    return head + "/>\n";
  case Status::skip:
  case Status::exempt:
    return fmt::format(
      "{}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", head, xml(row.message));
  case Status::fail:
  case Status::halt:
    return fmt::format(
      "{}>\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>\n", head,
      xml(row.message), name_of(row.severity()), detail);
  case Status::error:
  case Status::timeout:
    break;
  }
  return fmt::format("{}>\n      <error message=\"{}\" type=\"{}\">{}</error>\n    </testcase>\n",
    head, xml(row.message), name_of(row.status), detail);
}

std::string suite_text(
  const Report& report, const Suite& suite, std::size_t number, const std::string& host)
{
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::size_t skipped = 0;
  std::chrono::microseconds took{};
  std::string cases;
  std::string warnings;
  for (const auto* row : suite.rows) {
    failures += row->status == Status::fail || row->status == Status::halt ? 1U : 0U;
    errors += row->status == Status::error || row->status == Status::timeout ? 1U : 0U;
    skipped += row->status == Status::skip || row->status == Status::exempt ? 1U : 0U;
    took += row->took;
    cases += case_of(*row);
    if (row->status == Status::warn) {
      warnings += xml(fmt::format("warning: {}: {}", row->name(), row->message)) + "\n";
    }
  }
  auto stamp = rfc3339(report.started, 0);
  stamp.pop_back(); // the schema's time has no zone
  return fmt::format(
    "  <testsuite name=\"{}\" package=\"conos-contract\" id=\"{}\" timestamp=\"{}\" "
    "hostname=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
    "time=\"{:.6f}\">\n    <properties/>\n{}    <system-out>{}</system-out>\n"
    "    <system-err/>\n  </testsuite>\n",
    xml(suite.id), number, stamp, xml(host), suite.rows.size(), failures, errors, skipped,
    seconds(took), cases, warnings);
}

} // namespace

std::string junit_report(const Report& report)
{
  const auto host = host_name();
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  std::size_t number = 0;
  for (const auto& suite : suites_of(report)) {
    out += suite_text(report, suite, number++, host);
  }
  return out + "</testsuites>\n";
}

} // namespace conos::contract
