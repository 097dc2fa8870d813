#include "plan/show.hpp"

#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstddef>

namespace conos::plan {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_most_named = 4; // subjects in one line

// The part of a path or unit by which a person knows it.
std::string_view short_name(std::string_view subject)
{
  const auto slash = subject.rfind('/');
  return slash == subject.npos ? subject : subject.substr(slash + 1);
}

std::string named(const Step& step)
{
  std::string text;
  for (std::size_t i = 0; i < std::min(step.changes.size(), k_most_named); ++i) {
    text += text.empty() ? "" : ", ";
    text += escaped(short_name(step.changes[i].subject));
  }
  const auto more = step.changes.size() - std::min(step.changes.size(), k_most_named);
  return more > 0 ? fmt::format("{} and {} more", text, more) : text;
}

std::string line_of(const Change& change)
{
  return fmt::format("  {}: {}{}{}\n", escaped(change.subject), escaped(change.what),
    change.why.empty() ? "" : "  (" + change.why + ")",
    change.drift ? "  (changed since the last run)" : "");
}

// What becomes of a file's content, indented: of a new one how much, of others the difference.
Result<std::string> lines_of(const File& wanted, const SeenFile& seen)
{
  if (!wanted.wanted || !wanted.content || (seen.is_file && seen.content == *wanted.content)) {
    return "";
  }
  if (!seen.is_file) {
    return fmt::format("    + {} lines\n", split(*wanted.content, '\n').size() - 1);
  }
  CONOS_TRY(const auto text, diff_of(wanted.path, seen.content, *wanted.content));
  std::string out;
  for (const auto line : split(trimmed(text), '\n')) {
    out += fmt::format("    {}\n", escaped_lines(line));
  }
  return out;
}

Json json_of(const Change& change)
{
  return {{"subject", change.subject}, {"what", change.what}, {"why", change.why},
    {"drift", change.drift}};
}

std::string printed(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string octal(mode_t mode)
{
  return fmt::format("{:04o}", mode);
}

Json json_of(const File& file)
{
  Json json{{"path", file.path}, {"mode", octal(file.mode)}, {"owner", file.owner},
    {"group", file.group}, {"immutable", file.immutable}, {"agent", file.agent}, {"why", file.why}};
  if (file.content) {
    json["content"] = *file.content;
  }
  return json;
}

Json document_of(const State& state)
{
  Json json{{"groups", state.groups}, {"config_sha256", state.config_sha256},
    {"firewall", state.firewall}, {"accounts", Json::array()}, {"directories", Json::array()},
    {"files", Json::array()}, {"links", Json::array()}, {"units", Json::array()},
    {"packages", Json::array()}};
  for (const auto& a : state.accounts) {
    json["accounts"].push_back({{"name", a.name}, {"uid", a.uid}, {"gid", a.gid}, {"home", a.home},
      {"groups", a.groups}, {"agent", a.agent}, {"why", a.why}});
  }
  for (const auto& d : state.directories) {
    json["directories"].push_back(
      {{"path", d.path}, {"mode", octal(d.mode)}, {"owner", d.owner}, {"group", d.group},
        {"acl", d.acl}, {"default_acl", d.default_acl}, {"agent", d.agent}, {"why", d.why}});
  }
  for (const auto& f : state.files) {
    if (f.wanted) {
      json["files"].push_back(json_of(f));
    }
  }
  for (const auto& l : state.links) {
    json["links"].push_back({{"path", l.path}, {"target", l.target}, {"owner", l.owner},
      {"agent", l.agent}, {"why", l.why}});
  }
  for (const auto& u : state.units) {
    if (u.wanted) {
      json["units"].push_back({{"name", u.name}, {"wanted_by", u.wanted_by}, {"started", !u.idle},
        {"agent", u.agent}, {"why", u.why}});
    }
  }
  for (const auto& p : state.packages) {
    json["packages"].push_back({{"name", p.name}, {"agent", p.agent}, {"why", p.why}});
  }
  for (const auto& s : state.sysctls) {
    json["sysctls"][s.key] = s.least;
  }
  return json;
}

void emit(YAML::Emitter& out, const Json& json)
{
  if (json.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, value] : json.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, value);
    }
    out << YAML::EndMap;
  } else if (json.is_array()) {
    out << YAML::BeginSeq;
    for (const auto& item : json) {
      emit(out, item);
    }
    out << YAML::EndSeq;
  } else if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    const bool lines = text.find('\n') != text.npos;
    // what YAML would take for a number, or for a truth, stays a text
    out << (lines ? YAML::Literal : YAML::DoubleQuoted) << text;
  } else {
    out << json.dump();
  }
}

struct Area {
  std::string_view name;
  std::size_t checked = 0;
  std::vector<const Change*> findings;
};

std::string_view area_of(Act act)
{
  switch (act) {
  case Act::accounts:
  case Act::leave:
  case Act::shells:
    return "accounts";
  case Act::directories:
    return "directories";
  case Act::links:
    return "links";
  case Act::stop:
  case Act::enable:
  case Act::reload:
  case Act::start:
    return "units";
  case Act::firewall:
    return "firewall rules";
  case Act::sysctls:
    return "kernel parameters";
  case Act::packages:
    return "packages";
  case Act::retire:
  case Act::secrets:
  case Act::tables:
  case Act::files:
  case Act::lock:
  case Act::record:
    break;
  }
  return "files";
}

std::vector<Area> areas_of(const Plan& plan, const State& wanted)
{
  std::vector<Area> areas{{"accounts", wanted.accounts.size() + wanted.groups.size(), {}},
    {"directories", wanted.directories.size(), {}}, {"files", wanted.files.size() + 1, {}},
    {"links", wanted.links.size(), {}}, {"units", wanted.units.size(), {}},
    {"firewall rules", 1, {}}, {"kernel parameters", wanted.sysctls.size(), {}},
    {"packages", wanted.packages.size(), {}}};
  for (const auto& step : plan.steps) {
    for (const auto& change : step.changes) {
      const auto area = std::find_if(areas.begin(), areas.end(), [&](const Area& one) {
        return one.name == area_of(step.act);
      });
      // the record differs whenever anything does
      if (step.act != Act::record || plan.steps.size() == 1) {
        area->findings.push_back(&change);
      }
    }
  }
  return areas;
}

} // namespace

Result<std::string> diff_of(
  const std::string& path, const std::string& before_text, const std::string& after_text)
{
  CONOS_TRY(const auto before, memory_file(before_text));
  CONOS_TRY(const auto after, memory_file(after_text));
  const auto name = [](const UniqueFd& file) {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), file.get());
  };
  CONOS_TRY(const auto ended, run_command({{"/usr/bin/diff", "--unified=2", "--label", path,
                                             "--label", "as it will be", name(before), name(after)},
                                            plain_environment(), "", -1},
                                {}));
  return ended.status <= 1 ? ended.out : "the two cannot be compared\n";
}

std::string line_of(const Step& step)
{
  switch (step.act) {
  case Act::retire:
  case Act::secrets:
  case Act::tables:
  case Act::directories:
  case Act::files:
  case Act::links:
  case Act::lock:
    return fmt::format("{:<24} {}", title_of(step), step.changes.size());
  case Act::reload:
    return title_of(step);
  case Act::record:
    return fmt::format("{:<24} ledger, {}", title_of(step), named(step));
  case Act::accounts:
  case Act::leave:
  case Act::shells:
  case Act::stop:
  case Act::enable:
  case Act::firewall:
  case Act::sysctls:
  case Act::start:
  case Act::packages:
    break;
  }
  return fmt::format("{:<24} {}", title_of(step), named(step));
}

Result<std::string> text_of(const Plan& plan, const State& wanted, const Seen& seen)
{
  std::string text;
  for (const auto& step : plan.steps) {
    text += title_of(step) + "\n";
    for (const auto& change : step.changes) {
      text += line_of(change);
      if (step.act == Act::files || step.act == Act::tables) {
        CONOS_TRY(const auto lines, lines_of(wanted.files[change.index], seen.files[change.index]));
        text += lines;
      }
    }
  }
  return text;
}

std::string json_of(const Plan& plan)
{
  auto steps = Json::array();
  for (const auto& step : plan.steps) {
    auto changes = Json::array();
    for (const auto& change : step.changes) {
      changes.push_back(json_of(change));
    }
    steps.push_back({{"act", title_of(step)}, {"agent", step.agent}, {"changes", changes}});
  }
  return printed({{"steps", steps}, {"warnings", plan.warnings}});
}

std::string json_of(const State& state)
{
  return printed(document_of(state));
}

std::string yaml_of(const State& state)
{
  YAML::Emitter out;
  emit(out, document_of(state));
  return std::string(out.c_str()) + "\n";
}

std::string report_of(const Plan& plan, const State& wanted)
{
  std::string text;
  std::size_t all = 0;
  for (const auto& area : areas_of(plan, wanted)) {
    const auto wrong = area.findings.size();
    all += wrong;
    text += wrong == 0 ? fmt::format("{:<18} {:>6}\n", area.name, area.checked)
                       : fmt::format("{:<18} {:>6}, not as they should be: {}\n", area.name,
                           area.checked, wrong);
    for (const auto* finding : area.findings) {
      text += line_of(*finding);
    }
  }
  text += all == 0 ? "all is as conos.toml says\n"
                   : fmt::format("{} {}; conos-bootstrap --dry-run shows what would be done, "
                                 "conos-bootstrap does it\n",
                       all, all == 1 ? "finding" : "findings");
  return text;
}

std::string json_report_of(const Plan& plan, const State& wanted)
{
  auto areas = Json::array();
  for (const auto& area : areas_of(plan, wanted)) {
    auto findings = Json::array();
    for (const auto* finding : area.findings) {
      findings.push_back(json_of(*finding));
    }
    areas.push_back({{"area", area.name}, {"checked", area.checked}, {"findings", findings}});
  }
  return printed({{"areas", areas}, {"warnings", plan.warnings}});
}

} // namespace conos::plan
