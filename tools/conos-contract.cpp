// conos-contract - check that a machine is as contracts say it is
#include "cli/tool.hpp"
#include "contract/add.hpp"
#include "contract/evaluate.hpp"
#include "contract/exemption.hpp"
#include "contract/load.hpp"
#include "contract/protocol.hpp"
#include "contract/report/report.hpp"
#include "contract/show.hpp"
#include "host/provenance.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

contract::TextStyle text_style(const cli::Args& args)
{
  contract::TextStyle style;
  winsize size{};
  style.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  style.has_colour = cli::colour(STDOUT_FILENO);
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = size.ws_col;
  }
  style.only_trouble = args.has("quiet");
  return style;
}

std::vector<std::string> words(const std::vector<std::string>& given)
{
  std::vector<std::string> out;
  for (const auto& text : given) {
    for (const auto word : split(text, ',')) {
      if (!trimmed(word).empty()) {
        out.emplace_back(trimmed(word));
      }
    }
  }
  return out;
}

// What was named, else the machine's own; none at all is an error: a run of nothing is not green.
Result<contract::Loaded> load(const std::vector<std::string>& paths)
{
  if (!paths.empty()) {
    return contract::load(paths);
  }
  CONOS_TRY(auto loaded, contract::load({}, contract::usual_directories()));
  if (loaded.contracts.empty() && loaded.invalid.empty()) {
    return fail(Kind::not_found, "there is no contract in {}: name a file or a directory",
      join(contract::usual_directories(), " or "));
  }
  return loaded;
}

Result<std::vector<contract::Sink>> sinks_of(const cli::Args& args)
{
  auto formats = args.all("format");
  if (args.has("json")) {
    formats.emplace_back("json");
  }
  if (formats.empty()) {
    formats.emplace_back("text");
  }
  return contract::parse_sinks(formats);
}

std::string lines_of(const std::vector<contract::Exemption>& exemptions)
{
  std::string out;
  for (const auto& one : exemptions) {
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
  CONOS_TRY(const auto sinks, sinks_of(args));
  CONOS_TRY(auto loaded, load(args.operands));
  contract::EvaluateOptions options;
  options.selection = {words(args.all("tags")), words(args.all("id"))};
  // of the machine's own: files that are named here may have anybody's ids
  std::vector<contract::Exemption> exemptions;
  if (args.operands.empty()) {
    CONOS_TRY(exemptions, contract::load_exemptions({}, now()));
    options.exemptions = exemptions;
  }
  CONOS_TRY(const auto report,
    contract::evaluate(std::make_shared<const contract::Loaded>(std::move(loaded)), options));
  if (report.rows.empty()) {
    const bool has_tags = !options.selection.tags.empty();
    return fail(
      Kind::not_found, "there is no contract{}", has_tags ? " with one of these tags" : "");
  }
  const auto style = text_style(args);
  for (const auto& sink : sinks) {
    const auto text = contract::render(report, sink.format, style);
    if (sink.file.empty()) {
      print(text);
      print(sink.format == contract::Format::text ? lines_of(exemptions) : "");
    } else {
      CONOS_CHECK(contract::write_report(sink.file, text));
    }
  }
  return leave(report, report.is_bad() ? Exit::no : Exit::ok);
}

Result<Exit> lint(const cli::Args& args)
{
  CONOS_TRY(const auto loaded, contract::load(args.operands));
  print(args.has("json") ? contract::lint_json(loaded) : contract::lint_text(loaded));
  return loaded.invalid.empty() ? Exit::ok : Exit::config;
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_TRY(const auto loaded, load(args.operands));
  print(args.has("json") ? contract::list_json(loaded) : contract::list_text(loaded));
  return Exit::ok;
}

Result<Exit> explain(const cli::Args& args)
{
  CONOS_TRY(const auto loaded, load({args.operands.begin() + 1, args.operands.end()}));
  CONOS_TRY(const auto text, contract::explain(loaded, args.operands.front()));
  print(text);
  return Exit::ok;
}

Result<Exit> add(const cli::Args& args)
{
  CONOS_TRY(const auto text, contract::contract_of(args.operands[0], args.operands[1], args["id"]));
  print(text);
  return Exit::ok;
}

Result<> need_root()
{
  return ::geteuid() == 0
           ? Result<>{}
           : fail(Kind::denied, "only root may let a check off: the ledger is told who and why");
}

// What --exempt, --reason and --expires say; recorded, and kept when it is to last.
Result<std::vector<contract::Exemption>> new_exemptions(
  const cli::Args& args, const contract::Contract& contract)
{
  std::vector<contract::Exemption> out;
  if (!args.has("exempt")) {
    return !args.has("reason") && !args.has("expires")
             ? out
             : Result<std::vector<contract::Exemption>>(
                 fail(Kind::usage, "--reason and --expires go with --exempt"));
  }
  if (trimmed(args["reason"]).empty()) {
    return fail(Kind::usage, "--exempt needs --reason");
  }
  for (const auto& name : args.all("exempt")) {
    CONOS_CHECK(contract::check_is_in(contract, name));
    out.push_back({contract.id, name, args["reason"], acting_account(), std::nullopt});
    if (args.has("expires")) {
      CONOS_TRY(out.back().until, contract::parse_expiry(args["expires"], now()));
    }
  }
  CONOS_CHECK(need_root());
  for (const auto& one : out) {
    CONOS_CHECK(contract::let_off({}, one, now()));
  }
  return out;
}

// PATH is the caller's own here: it is his command.
Result<Exit> go_on(const std::vector<std::string>& command)
{
  std::vector<std::string> argv{"/usr/bin/env", "--"};
  argv.insert(argv.end(), command.begin(), command.end());
  return tl::unexpected<Error>(become(argv, own_environment()));
}

Result<Exit> check_protocol(const cli::Args& args)
{
  const auto& id = args.operands[1];
  CONOS_TRY(auto own, load({}));
  const auto loaded = std::make_shared<const contract::Loaded>(std::move(own));
  CONOS_TRY(const auto* const contract, contract::find_protocol(*loaded, id));
  if (!contract->is_protocol()) {
    log::warning("{} is of type {}, not protocol; it is asked all the same", contract->id,
      contract->type.empty() ? "detective" : contract->type);
  }
  CONOS_TRY(auto exemptions, new_exemptions(args, *contract));
  CONOS_TRY(const auto kept, contract::load_exemptions({}, now()));
  exemptions.insert(exemptions.end(), kept.begin(), kept.end());
  CONOS_TRY(const auto gate, contract::ask_gate(loaded, id, exemptions));
  const std::vector<std::string> command(args.operands.begin() + 2, args.operands.end());
  if (command.empty() || !gate.is_clear()) {
    print(args.has("json") ? contract::json_report(gate.report) : contract::gate_text(gate, id));
  }
  if (gate.is_clear() && !command.empty()) {
    return go_on(command);
  }
  return leave(gate.report, gate.is_clear() ? Exit::ok : Exit::no);
}

Result<Exit> protocol(const cli::Args& args)
{
  const auto& what = args.operands[0];
  if (what == "list" && args.operands.size() == 1) {
    CONOS_TRY(const auto loaded, contract::load({}, contract::usual_directories()));
    print(args.has("json") ? contract::protocols_json(loaded) : contract::protocols_text(loaded));
    return Exit::ok;
  }
  if (what == "check" && args.operands.size() > 1) {
    return check_protocol(args);
  }
  return fail(Kind::usage, "it is 'protocol list' or 'protocol check ID'");
}

// "ID" or "ID/CHECK", known.
Result<contract::Exemption> named(const std::string& text)
{
  const auto slash = text.find('/');
  CONOS_TRY(const auto loaded, load({}));
  CONOS_TRY(const auto* const found, contract::find_protocol(loaded, text.substr(0, slash)));
  contract::Exemption one;
  one.contract = found->id;
  if (slash != text.npos) {
    one.check = text.substr(slash + 1);
    CONOS_CHECK(contract::check_is_in(*found, one.check));
  }
  one.by = acting_account();
  return one;
}

Result<Exit> exempt(const cli::Args& args)
{
  if (args.operands.empty()) {
    CONOS_TRY(const auto all, contract::load_exemptions({}, now()));
    print(lines_of(all));
    return Exit::ok;
  }
  CONOS_CHECK(need_root());
  if (args.has("remove")) {
    // whatever its contract has become
    const auto& text = args.operands.front();
    const auto slash = text.find('/');
    const auto check = slash == text.npos ? "" : text.substr(slash + 1);
    CONOS_TRY(const bool was_there,
      contract::end_exemption({}, text.substr(0, slash), check, acting_account(), now()));
    if (!was_there) {
      return fail(Kind::not_found, "'{}' is not let off", escaped(text, 100));
    }
    return Exit::ok;
  }
  if (trimmed(args["reason"]).empty() || !args.has("expires")) {
    return fail(Kind::usage, "--reason and --expires are needed: why, and until when");
  }
  CONOS_TRY(auto one, named(args.operands.front()));
  one.reason = args["reason"];
  CONOS_TRY(one.until, contract::parse_expiry(args["expires"], now()));
  CONOS_CHECK(contract::let_off({}, one, now()));
  print("let off: " + contract::line_of(one) + "\n");
  return Exit::ok;
}

const cli::Option k_json{"json", "print JSON"};

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-contract",
      .purpose = "check that a machine is as contracts say it is",
      .verbs =
        {
          {
            "check",
            "make the checks of contracts, and report",
            "[PATH…]",
            {
              {"tags", "only contracts with one of these tags", "TAG", "", 't'},
              {"id", "only this contract, or this check: ID/NAME", "ID", "", 'i'},
              {"format", "text, json, tap, junit or prometheus; with =FILE into a file", "FORMAT",
                "", 'f'},
              {"quiet", "in text nothing of what is as it should be", "", "", 'q'},
              {"json", "the same as --format=json"},
            },
            check,
          },
          {"lint", "say everything that is wrong with contracts", "PATH…", {k_json}, lint},
          {"list", "name the contracts", "[PATH…]", {k_json}, list},
          {"explain", "say what a contract or a check is for, and what to do", "ID [PATH…]", {},
            explain},
          {
            "protocol",
            "name the protocols, or ask one whether its deed may be done, and do it",
            "list|check [ID] [COMMAND…]",
            {
              {"exempt", "let this check off, this time or until it expires", "CHECK"},
              {"reason", "why", "TEXT"},
              {"expires", "until when: a time, or a duration from now", "WHEN"},
              k_json,
            },
            protocol,
          },
          {
            "exempt",
            "let a check off for a while, or say which are",
            "[ID]",
            {
              {"reason", "why", "TEXT"},
              {"expires", "until when: a time, or a duration from now", "WHEN"},
              {"remove", "no longer"},
            },
            exempt,
          },
          {
            "add",
            "write a contract from what the machine has now",
            "KIND TARGET",
            {{"id", "its id", "ID"}},
            add,
          },
        },
      .section = "8",
    });
}
