// conos-contract - check that a machine is as contracts say it is
#include "cli/tool.hpp"
#include "contract/add.hpp"
#include "contract/evaluate.hpp"
#include "contract/load.hpp"
#include "contract/report/report.hpp"
#include "contract/show.hpp"
#include "sys/log.hpp"
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

Result<Exit> check(const cli::Args& args)
{
  CONOS_TRY(const auto sinks, sinks_of(args));
  CONOS_TRY(auto loaded, load(args.operands));
  contract::EvaluateOptions options;
  options.selection = {words(args.all("tags")), words(args.all("id"))};
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
    } else {
      CONOS_CHECK(contract::write_report(sink.file, text));
    }
  }
  const auto exit = report.is_bad() ? Exit::no : Exit::ok;
  if (report.is_stuck) { // a thread hangs in the kernel: nobody waits for it
    (void)std::fflush(stdout);
    ::_exit(static_cast<int>(exit));
  }
  return exit;
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
