#include "contract/show.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::contract {

namespace {

using Json = nlohmann::json;

std::string counted(std::size_t count, std::string_view one, std::string_view more)
{
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

std::string place_of(const std::string& file, Mark mark)
{
  return mark.line == 0 ? escaped(file)
                        : fmt::format("{}:{}:{}", escaped(file), mark.line, mark.column);
}

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string lines(std::string_view title, std::string_view text)
{
  std::string out;
  for (const auto line : split(trimmed(text), '\n')) {
    out += fmt::format("  {:<10}{}\n", out.empty() ? title : "", escaped(line, 2000));
  }
  return text.empty() ? "" : out;
}

std::string told(const Check& check)
{
  auto out = fmt::format("\n{}\n", check.name);
  out += lines("checks", check.module->name);
  out += lines("what", check.what);
  out += lines("why", check.why);
  out += lines("severity", name_of(check.severity));
  out += lines("on_fail", check.on_fail.text());
  out += lines("affects", join(check.affects, ", "));
  out += lines("verify", check.verify);
  return out + lines("fix", check.fix);
}

} // namespace

std::string lint_text(const Loaded& loaded)
{
  std::string out;
  std::size_t mistakes = 0;
  for (const auto& invalid : loaded.invalid) {
    for (const auto& problem : invalid.problems) {
      out += fmt::format("{}: {}\n", place_of(invalid.file, problem.mark), problem.what);
      ++mistakes;
    }
  }
  out += counted(loaded.contracts.size(), "contract is good", "contracts are good");
  return out + (mistakes == 0
                   ? "\n"
                   : fmt::format(", {} in {}\n", counted(mistakes, "mistake", "mistakes"),
                       counted(loaded.invalid.size(), "file", "files")));
}

std::string lint_json(const Loaded& loaded)
{
  auto problems = Json::array();
  for (const auto& invalid : loaded.invalid) {
    for (const auto& problem : invalid.problems) {
      problems.push_back({{"file", invalid.file}, {"line", problem.mark.line},
        {"column", problem.mark.column}, {"message", problem.what}});
    }
  }
  return dumped({{"good", loaded.contracts.size()}, {"problems", std::move(problems)}});
}

std::string list_text(const Loaded& loaded)
{
  std::size_t width = 0;
  for (const auto& contract : loaded.contracts) {
    width = std::max(width, contract.id.size());
  }
  std::string out;
  for (const auto& contract : loaded.contracts) {
    const auto type = contract.type.empty() ? "detective" : contract.type;
    out += fmt::format("{:<{}}  {:<11} {:>3}  {}\n", contract.id, width, type,
      contract.checks.size(), escaped(contract.description, 300));
  }
  for (const auto& invalid : loaded.invalid) {
    out += fmt::format("{}: {}\n", place_of(invalid.file, invalid.problems.front().mark),
      invalid.problems.front().what);
  }
  return out;
}

std::string list_json(const Loaded& loaded)
{
  auto out = Json::array();
  for (const auto& contract : loaded.contracts) {
    auto checks = Json::array();
    for (const auto& check : contract.checks) {
      checks.push_back(check.name);
    }
    out.push_back({{"id", contract.id}, {"description", contract.description},
      {"type", contract.type.empty() ? "detective" : contract.type}, {"tags", contract.tags},
      {"trigger", contract.trigger}, {"file", contract.source.file},
      {"trusted", contract.source.is_trusted}, {"checks", std::move(checks)}});
  }
  return dumped(out);
}

Result<std::string> explain(const Loaded& loaded, const std::string& id)
{
  const auto slash = id.find('/');
  const auto name = slash == id.npos ? std::string() : id.substr(slash + 1);
  const auto found =
    std::find_if(loaded.contracts.begin(), loaded.contracts.end(), [&](const Contract& contract) {
      return contract.id == id.substr(0, slash);
    });
  std::vector<std::string> ids;
  for (const auto& contract : loaded.contracts) {
    ids.push_back(contract.id);
  }
  if (found == loaded.contracts.end()) {
    const auto near = nearest(id.substr(0, slash), ids);
    return fail(Kind::not_found, "there is no contract '{}'{}", escaped(id, 100),
      near ? fmt::format(" (did you mean '{}'?)", *near) : "");
  }
  auto out = fmt::format("{}\n", found->id);
  out += lines("promises", found->description);
  out += lines("type", found->type);
  out += lines("before", found->is_protocol() ? found->trigger : "");
  out += lines("tags", join(found->tags, ", "));
  out += lines("file", found->source.file);
  bool any = false;
  for (const auto& check : found->checks) {
    if (name.empty() || check.name == name) {
      out += told(check);
      any = true;
    }
  }
  if (!any) {
    return fail(Kind::not_found, "'{}' has no check '{}'", found->id, escaped(name, 100));
  }
  return out;
}

} // namespace conos::contract
