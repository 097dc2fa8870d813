// conos-pkg - install and remove Debian packages, and say for whom they are there
#include "audit/place.hpp"
#include "audit/present.hpp"
#include "audit/why.hpp"
#include "cli/ask.hpp"
#include "cli/tool.hpp"
#include "config/config.hpp"
#include "config/edit.hpp"
#include "host/provenance.hpp"
#include "pkg/manage.hpp"
#include "plan/bootstrap.hpp"
#include "plan/place.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;
using Json = nlohmann::json;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

void print_json(const Json& json)
{
  print(json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n");
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

// Nothing where conos is not set up; then there are no agents, and no rules.
Result<std::optional<config::Config>> read_config()
{
  const auto text = read_path(plan::k_config_path, config::k_max_config_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found
             ? Result<std::optional<config::Config>>(std::nullopt)
             : tl::unexpected<Error>(text.error());
  }
  auto checked = config::check(*text);
  if (!checked.config) {
    return fail(
      Kind::config, "'{}' has errors, which 'conos config check' names", plan::k_config_path);
  }
  return std::move(checked.config);
}

pkg::Rules rules_of(const std::optional<config::Config>& config)
{
  pkg::Rules rules;
  if (config) {
    rules.deny = config->packages_deny;
    for (const auto& agent : config->agents) {
      rules.agents.insert(agent.name);
      for (const auto& package : agent.packages) {
        rules.named[package].insert(agent.name);
      }
    }
  }
  return rules;
}

Result<> check_agent(const std::optional<config::Config>& config, const std::string& name)
{
  std::vector<std::string> names;
  if (config) {
    for (const auto& agent : config->agents) {
      names.push_back(agent.name);
    }
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return {};
  }
  const auto near = nearest(name, names);
  return fail(Kind::not_found, "there is no agent '{}'{}", escaped(name, 64),
    near ? fmt::format(", did you mean '{}'", *near) : "");
}

// --- showing ------------------------------------------------------------------------------------

std::string size_text(std::int64_t bytes)
{
  const auto size = static_cast<double>(bytes < 0 ? -bytes : bytes);
  constexpr double k_step = 1024;
  return size >= k_step * k_step ? fmt::format("{:.1f} MiB", size / k_step / k_step)
                                 : fmt::format("{:.0f} KiB", size / k_step);
}

std::string_view word_for(pkg::Change::What what)
{
  return what == pkg::Change::What::install   ? "install"
         : what == pkg::Change::What::upgrade ? "upgrade"
                                              : "remove";
}

Json json_of(const pkg::Proposal& proposal)
{
  auto changes = Json::array();
  for (const auto& change : proposal.plan.changes) {
    changes.push_back({{"what", word_for(change.what)}, {"name", change.name},
      {"version", change.version}, {"former", change.former}, {"download_bytes", change.download},
      {"disk_bytes", change.disk}});
  }
  return {{"changes", changes}, {"kept", proposal.kept},
    {"download_bytes", proposal.plan.download()}, {"disk_bytes", proposal.plan.disk()}};
}

std::string text_of(const pkg::Proposal& proposal)
{
  std::string text;
  std::size_t width = 0;
  for (const auto& change : proposal.plan.changes) {
    width = std::max(width, change.name.size());
  }
  for (const auto& change : proposal.plan.changes) {
    text += fmt::format("  {:<8} {:<{}}  {}{}\n", word_for(change.what), change.name, width,
      change.version, change.former.empty() ? "" : " for " + change.former);
  }
  for (const auto& kept : proposal.kept) {
    text += fmt::format("  {}\n", kept);
  }
  if (!proposal.plan.changes.empty()) {
    const auto disk = proposal.plan.disk();
    text += fmt::format("{} to fetch, {} {} on disk\n", size_text(proposal.plan.download()),
      size_text(disk), disk < 0 ? "less" : "more");
  }
  return text;
}

void tell_wait()
{
  log::notice("waiting for another conos-pkg");
}

// --- installing and removing --------------------------------------------------------------------

Result<pkg::Deed> deed_of(const cli::Args& args, pkg::Verb verb)
{
  pkg::Deed deed;
  deed.verb = verb;
  deed.by = acting_account();
  deed.agent = args.has("agent") ? args["agent"] : "";
  deed.task = args.has("task") ? args["task"] : "";
  for (const auto& text : args.operands) {
    CONOS_TRY(auto wanted, pkg::parse_wanted(text));
    if (verb == pkg::Verb::remove && !wanted.version.empty()) {
      return fail(Kind::usage, "'{}': a package is removed by its name alone", text);
    }
    deed.wanted.push_back(std::move(wanted));
  }
  if (args.has("save") && deed.agent.empty()) {
    return fail(Kind::usage, "--save needs --agent: whose 'packages' in conos.toml?");
  }
  return deed;
}

// conos.toml as it is to be from now on.
Result<Exit> save(const pkg::Deed& deed)
{
  const auto edit = [&](const std::string& old) -> Result<std::string> {
    auto text = old;
    for (const auto& one : deed.wanted) {
      CONOS_TRY(text, deed.verb == pkg::Verb::install
                        ? config::with_item(text, deed.agent, "packages", one.name)
                        : config::without_item(text, deed.agent, "packages", one.name));
    }
    return text;
  };
  return plan::edit_config(edit, {}, [] {
    return true;
  });
}

// What conos.toml names is installed again by the next bootstrap.
Result<> check_save(const pkg::Deed& deed, const pkg::Rules& rules, bool saves)
{
  if (deed.verb == pkg::Verb::install || saves || deed.agent.empty()) {
    return {};
  }
  for (const auto& one : deed.wanted) {
    const auto named = rules.named.find(one.name);
    if (named != rules.named.end() && named->second.contains(deed.agent)) {
      return fail(Kind::denied, "conos.toml names '{}' for '{}': --save takes it out there too",
        one.name, deed.agent);
    }
  }
  return {};
}

Result<Exit> change(const cli::Args& args, pkg::Verb verb)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(auto deed, deed_of(args, verb));
  const bool only_looks = args.has("dry-run");
  CONOS_TRY(const auto agrees, cli::agreement(args.has("yes") || only_looks));
  CONOS_TRY(const auto config, read_config());
  CONOS_CHECK(deed.agent.empty() ? Result<>{} : check_agent(config, deed.agent));
  auto rules = rules_of(config);
  CONOS_CHECK(check_save(deed, rules, args.has("save")));

  std::optional<pkg::Manager> manager;
  const plan::Place place;
  CONOS_TRY(manager, pkg::Manager::open(place.site.lib, place.site.srv + "/logs/audit",
                       std::move(rules), tell_wait));
  CONOS_TRY(const auto proposal,
    manager->propose(std::move(deed), only_looks ? pkg::Refresh::no : pkg::Refresh::yes));
  args.has("json") ? print_json(json_of(proposal)) : print(text_of(proposal));
  const bool saves = args.has("save");
  if (!proposal.is_new && !saves) {
    print(args.has("json") ? "" : "nothing to do\n");
    return Exit::ok;
  }
  if (only_looks || !agrees()) {
    return Exit::no;
  }
  (void)std::fflush(stdout); // before what apt prints
  CONOS_CHECK(proposal.is_new ? manager->carry_out(proposal) : Result<>{});
  manager.reset(); // conos-bootstrap may have packages to install too
  return saves ? save(proposal.deed) : Exit::ok;
}

Result<Exit> install(const cli::Args& args)
{
  return change(args, pkg::Verb::install);
}

Result<Exit> take_away(const cli::Args& args)
{
  return change(args, pkg::Verb::remove);
}

// --- looking ------------------------------------------------------------------------------------

struct Line {
  pkg::Entry entry;
  std::string version; // empty: it is not installed
};

// What was asked for, and what conos.toml names.
Result<std::map<std::string, Line>> all_lines()
{
  CONOS_TRY(const auto contents, pkg::Book::read(plan::Place().site.lib));
  CONOS_TRY(const auto config, read_config());
  CONOS_TRY(const auto there, pkg::installed());
  std::map<std::string, Line> lines;
  for (const auto& [name, entry] : contents.entries) {
    lines[name].entry = entry;
  }
  for (const auto& [name, agents] : rules_of(config).named) {
    lines[name].entry.agents.insert(agents.begin(), agents.end());
  }
  for (auto& [name, line] : lines) {
    const auto package = there.find(name);
    line.version = package == there.end() ? "" : package->second.version;
  }
  return lines;
}

Json json_of(const std::string& name, const Line& line)
{
  return {{"name", name}, {"version", line.version.empty() ? Json() : Json(line.version)},
    {"agents", line.entry.agents}, {"by_hand", line.entry.by_hand},
    {"was_there", line.entry.was_there}, {"since", line.entry.since}, {"task", line.entry.task}};
}

std::string text_of(const std::string& name, const Line& line)
{
  std::vector<std::string> who(line.entry.agents.begin(), line.entry.agents.end());
  if (line.entry.by_hand) {
    who.emplace_back("a person");
  }
  return fmt::format(
    "{:<24} {:<24} {}\n", name, line.version.empty() ? "missing" : line.version, join(who, ", "));
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto lines, all_lines());
  for (const auto& [name, line] : lines) {
    if (!args.has("agent") || line.entry.agents.contains(args["agent"])) {
      args.has("json") ? print_json(json_of(name, line)) : print(text_of(name, line));
    }
  }
  return Exit::ok;
}

Result<Exit> why(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto wanted, pkg::parse_wanted(args.operands.front()));
  const auto lib = plan::Place().site.lib;
  CONOS_TRY(const auto lines, all_lines());
  const auto line = lines.find(wanted.name);
  if (line != lines.end() && !args.has("json")) {
    print(text_of(wanted.name, line->second));
  }
  audit::Trace trace;
  if (auto reader = audit::Reader::open(lib + "/" + audit::k_database)) {
    CONOS_TRY(trace, audit::trace(*reader, {wanted.name}));
  } else if (reader.error().kind != Kind::not_found) {
    return tl::unexpected<Error>(reader.error());
  }
  if (trace.events.empty() && line == lines.end()) {
    CONOS_TRY(const auto there, pkg::installed());
    print(args.has("json")
            ? std::string()
            : fmt::format("{}; conos had no part in it\n",
                there.contains(wanted.name) ? "it is installed" : "it is not installed"));
    return Exit::no;
  }
  audit::Table table(
    cli::colour(STDOUT_FILENO) ? audit::Table::Colour::yes : audit::Table::Colour::no);
  for (const auto& event : trace.events) {
    table.fit(event);
  }
  for (const auto& event : trace.events) {
    print(args.has("json") ? audit::json_line(event) + "\n" : table.line(event));
  }
  if (trace.request && !args.has("json")) {
    print(audit::request_text(lib, *trace.request));
  }
  return Exit::ok;
}

Result<Exit> search(const cli::Args& args)
{
  CONOS_TRY(const auto found, pkg::search(args.operands.front()));
  for (const auto& one : found) {
    args.has("json") ? print_json(Json{{"name", one.name}, {"purpose", one.purpose}})
                     : print(fmt::format("{:<32} {}\n", escaped(one.name), escaped(one.purpose)));
  }
  return found.empty() ? Exit::no : Exit::ok;
}

const cli::Option k_agent{"agent", "the agent it is for", "NAME"};
const cli::Option k_task{"task", "the task because of which", "ID"};
const cli::Option k_save{"save", "change the agent's packages in conos.toml too"};
const cli::Option k_dry_run{"dry-run", "show what apt would do, and do nothing", "", "", 'n'};
const cli::Option k_yes{"yes", "do it without asking", "", "", 'y'};
const cli::Option k_json{"json", "print JSON, a line for each"};

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-pkg",
      .purpose = "install and remove Debian packages, and say for whom they are there",
      .verbs =
        {
          {"install", "install packages, NAME or NAME=VERSION", "PACKAGE…",
            {k_agent, k_task, k_save, k_dry_run, k_yes, k_json}, install},
          {"remove", "remove packages nobody needs any more", "PACKAGE…",
            {k_agent, k_task, k_save, k_dry_run, k_yes, k_json}, take_away},
          {"list", "the packages asked for, their versions, and who needs them", "",
            {k_agent, k_json}, list},
          {"why", "everything that happened to a package, back to the words that led to it",
            "PACKAGE", {k_json}, why},
          {"search", "look in Debian's packages", "WORD", {k_json}, search},
        },
      .section = "8",
    });
}
