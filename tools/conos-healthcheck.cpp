// conos-healthcheck - check the machine's contracts, act on what is found, and record it
#include "cli/tool.hpp"
#include "contract/exemption.hpp"
#include "contract/report/report.hpp"
#include "health/healthcheck.hpp"
#include "health/journal.hpp"
#include "host/provenance.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

constexpr auto k_bootstrap = CONOS_BINDIR "/conos-bootstrap";

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

contract::TextStyle text_style(bool only_trouble)
{
  contract::TextStyle style;
  winsize size{};
  style.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  style.has_colour = cli::colour(STDOUT_FILENO);
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = size.ws_col;
  }
  style.only_trouble = only_trouble;
  return style;
}

// Those of which the check would pass are in no report otherwise. Where they cannot be read,
// nothing is let off.
std::string exemption_lines()
{
  const auto exemptions = health::exemptions_of(Site());
  if (!exemptions) {
    log::error("{}", exemptions.error().text());
    return "";
  }
  std::string out;
  for (const auto& one : *exemptions) {
    out += "let off: " + contract::line_of(one) + "\n";
  }
  return out;
}

// A thread that hangs in the kernel is waited for by nobody.
Exit leave(const contract::Report& report, Exit exit)
{
  if (report.is_stuck) {
    (void)std::fflush(stdout);
    ::_exit(static_cast<int>(exit));
  }
  return exit;
}

Result<Exit> check(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  health::Wish wish;
  wish.scope = args.has("scheduled") ? health::Scope::scheduled : health::Scope::all;
  wish.actor = args.has("scheduled") ? "conos-healthcheck" : acting_account();
  CONOS_TRY(const auto outcome, health::healthcheck(Site(), wish));
  if (args.has("json")) {
    print(contract::json_report(outcome.report));
  } else if (args.has("lines")) {
    const auto begun = std::chrono::system_clock::to_time_t(outcome.report.started);
    print(health::report_lines(
      outcome.report, {outcome.step.state.evaluation, fmt::format("hc-{}", begun), wish.actor}));
  } else {
    print(contract::text_report(outcome.report, text_style(args.has("quiet"))) + exemption_lines());
  }
  for (const auto& change : outcome.step.changes) {
    const auto* news = change.news == health::News::healed ? "healed" : "found";
    log::notice("{} {}: {}", news, change.finding.key, change.finding.what);
  }
  for (const auto& deed : outcome.done) {
    log::notice("{}", deed);
  }
  for (const auto& trouble : outcome.trouble) {
    log::error("{}", trouble);
  }
  const auto exit = outcome.report.is_bad()    ? Exit::no
                    : !outcome.trouble.empty() ? Exit::os
                                               : Exit::ok;
  return leave(outcome.report, exit);
}

Result<Exit> brief(const cli::Args& /*args*/)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto text, health::brief(Site()));
  print(text);
  return Exit::ok;
}

// What of the machine is not as conos.toml says: conos-bootstrap's to know.
Result<Ended> compared(bool json)
{
  Command command;
  command.argv = {k_bootstrap, "--doctor"};
  if (json) {
    command.argv.emplace_back("--json");
  }
  command.environment = own_environment();
  Bounds bounds;
  bounds.time = std::chrono::minutes(5);
  bounds.out_bytes = 16U << 20U;
  return run_command(command, bounds);
}

Result<Exit> doctor(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const bool json = args.has("json");
  CONOS_TRY(const auto ended, compared(json));
  std::fputs(escaped_lines(ended.err).c_str(), stderr);
  const auto compared_exit =
    ended.how == Ended::How::exited ? static_cast<Exit>(ended.status) : Exit::bug;
  const bool is_compared = compared_exit == Exit::ok || compared_exit == Exit::no;
  CONOS_TRY(const auto report, health::look(Site()));
  if (json) {
    // one object: of the comparison, with the contracts' report in it
    const auto object = is_compared ? std::string(trimmed(ended.out)) : "{}";
    const auto inside = object.substr(0, object.rfind('}'));
    print(fmt::format("{}{}\"contracts\":{}}}\n", inside, inside == "{" ? "" : ",",
      trimmed(contract::json_report(report))));
  } else {
    print("contracts\n" + contract::text_report(report, text_style(true)) + exemption_lines() +
          "\nconos.toml\n" + ended.out);
  }
  const auto exit = compared_exit == Exit::ok && report.is_bad() ? Exit::no : compared_exit;
  return leave(report, exit);
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-healthcheck",
      .purpose = "check the machine's contracts, act on what is found, and record it",
      .verbs =
        {
          {
            "check",
            "make the checks, act on what is found, record what changed",
            "",
            {
              {"scheduled", "as the timer does: what is dear only once an hour"},
              {"quiet", "say nothing of what is as it should be", "", "", 'q'},
              {"lines", "print a line for each check, as contracts.log has them"},
              {"json", "print the report as JSON"},
            },
            check,
          },
          {"brief", "say what state the machine is in, as agents read it", "", {}, brief},
          {
            "doctor",
            "say all that is not as contracts and conos.toml say, and change nothing",
            "",
            {{"json", "print JSON"}},
            doctor,
          },
        },
      .section = "8",
    });
}
