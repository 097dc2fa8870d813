#include "contract/report/label.hpp"
#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

namespace conos::contract {

namespace {

// Of a label's value backslash and quote are escaped; "\x1b" is no escape of this format.
std::string safe_label(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  return is_utf8(out) ? out : "?";
}

std::string labels_of(const Row& row)
{
  return fmt::format("{{contract=\"{}\",check=\"{}\",severity=\"{}\"}}", quoted_label(row.id()),
    quoted_label(row.name()), name_of(row.severity()));
}

std::string head(std::string_view name, std::string_view help)
{
  return fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
}

} // namespace

std::string quoted_label(std::string_view text)
{
  const auto safe = safe_label(text);
  std::string out;
  for (const char c : clipped(safe, 300)) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

// The timestamp of the run is a value: the textfile collector takes no other.
std::string prometheus_report(const Report& report)
{
  std::string good =
    head("conos_contract_check_good", "1 when the check is not bad, 0 when it is.");
  std::string took = head("conos_contract_check_seconds", "How long the check took.");
  std::string status = head("conos_contract_check_status", "1 for the status the check has.");
  for (const auto& row : report.rows) {
    const auto labels = labels_of(row);
    good += fmt::format("conos_contract_check_good{} {}\n", labels, is_bad(row.status) ? 0 : 1);
    took += fmt::format("conos_contract_check_seconds{} {:.6f}\n", labels,
      static_cast<double>(row.took.count()) / 1e6);
    status +=
      fmt::format("conos_contract_check_status{{contract=\"{}\",check=\"{}\",status=\"{}\"}} 1\n",
        quoted_label(row.id()), quoted_label(row.name()), name_of(row.status));
  }
  std::string counts = head("conos_contract_checks", "How many checks have a status.");
  for (const auto& [one, count] : report.counts) {
    counts += fmt::format("conos_contract_checks{{status=\"{}\"}} {}\n", name_of(one), count);
  }
  const auto seconds = std::chrono::duration<double>(report.started.time_since_epoch()).count();
  return counts +
         head("conos_contract_last_run_timestamp_seconds", "When the checks were last made.") +
         fmt::format("conos_contract_last_run_timestamp_seconds {:.3f}\n", seconds) +
         head("conos_contract_run_seconds", "How long all checks took.") +
         fmt::format(
           "conos_contract_run_seconds {:.6f}\n", static_cast<double>(report.took.count()) / 1e6) +
         good + status + took;
}

} // namespace conos::contract
