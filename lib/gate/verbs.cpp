#include "gate/verbs.hpp"

#include "artifact/artifact.hpp"
#include "gate/artifacts.hpp"
#include "gate/record.hpp"
#include "host/package_name.hpp"
#include "host/provenance.hpp"
#include "sys/text.hpp"
#include "task_contract/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace conos::gate {

namespace {

constexpr std::size_t k_max_unit_name = 255;
constexpr std::size_t k_max_text = ask::k_max_request_bytes;

bool is_small(char c)
{
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_word(char c)
{
  return is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

template<class Is>
bool is_all(std::string_view text, std::size_t most, Is is)
{
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), is);
}

bool is_note_name(std::string_view name)
{
  constexpr std::size_t k_most = 40;
  return is_all(name, k_most, [](char c) {
    return is_small(c) || c == '_';
  });
}

bool is_topic(std::string_view text)
{
  constexpr std::array<std::string_view, 5> k_topics{
    "agents", "capacity", "contracts", "ledger", "verbs"};
  return std::find(k_topics.begin(), k_topics.end(), text) != k_topics.end();
}

bool is_count(std::string_view text)
{
  return is_all(text, 3, is_digit) && text != "0";
}

bool is_line(std::string_view text)
{
  return is_all(text, k_max_title_bytes, [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != 0x7f;
  });
}

bool is_some_text(std::string_view text)
{
  return text.size() <= k_max_text && !trimmed(text).empty();
}

bool is_note(std::string_view text)
{
  return text.size() <= k_max_note_bytes && !text.empty();
}

bool is_message(std::string_view text)
{
  return !text.empty() && text.size() <= task_contract::k_max_message;
}

bool is_description(std::string_view text)
{
  return text.size() <= task_contract::k_max_description;
}

bool is_lease(std::string_view text)
{
  const auto lease = parse_duration(text);
  return lease && *lease >= task_contract::k_shortest_lease &&
         *lease <= task_contract::k_longest_lease;
}

bool is_update(std::string_view text)
{
  return text == "in_progress" || text == "blocked";
}

bool is_form(std::string_view text)
{
  return artifact::form_called(text).has_value();
}

// What the status page names, a person decides.
bool is_exposure(std::string_view text)
{
  return text == "private" || text == "link";
}

bool is_life(std::string_view text)
{
  const auto life = parse_duration(text);
  return life && *life >= std::chrono::seconds(1) && *life <= k_longest_life;
}

bool is_flag(std::string_view text)
{
  return text == "true" || text == "false";
}

bool is_time(std::string_view text)
{
  return parse_rfc3339(text).has_value();
}

bool is_list_of_checks(std::string_view text)
{
  const auto ids = split(text, ',');
  return ids.size() <= task_contract::k_max_checks &&
         std::all_of(ids.begin(), ids.end(), [](std::string_view id) {
           return task_contract::is_check(trimmed(id));
         });
}

struct Argument {
  std::string_view name;
  std::string_view shown; // in a usage line
  bool is_needed;
  bool (*is_good)(std::string_view);
  std::string_view wanted; // "the name of an agent"
};

constexpr Argument k_none[] = {{"", "", false, nullptr, ""}};
constexpr Argument k_task_send[] = {
  {"to", "AGENT", true, is_agent_name, "the name of an agent"},
  {"body", "TEXT", true, is_some_text, "a text"},
  {"title", "TEXT", false, is_line, "a line of at most 256 bytes"},
  {"reply_to", "AGENT", false, is_agent_name, "the name of an agent"},
  {"thread", "ID", false, is_line, "a line of at most 256 bytes"},
};
constexpr Argument k_note[] = {
  {"name", "NAME", true, is_note_name, "of small letters and '_', at most 40"},
  {"text", "TEXT", true, is_note, "a text of at most 3072 bytes"},
};
constexpr Argument k_query[] = {
  {"what", "agents|capacity|contracts|ledger|verbs", true, is_topic,
    "one of agents, capacity, contracts, ledger, verbs"},
  {"count", "N", false, is_count, "a number from 1 to 999"},
};
constexpr Argument k_package[] = {
  {"name", "PACKAGE", true, is_package_name,
    "the name of a Debian package: small letters, digits, '+', '.', '-', and no '-' at its end"},
};
constexpr Argument k_service[] = {
  {"unit", "NAME.service", true, is_service_name, "the name of a service, such as nginx.service"},
};
constexpr Argument k_contract_run[] = {
  {"id", "ID", true, is_contract_id, "the id of a contract"},
};
constexpr Argument k_artifact[] = {
  {"file", "PATH", true, is_path_in_workspace, "the path of a file below the workspace"},
  {"title", "TEXT", false, is_line, "a line of at most 256 bytes"},
  {"kind", "file|report|data|image|archive", false, is_form,
    "one of file, report, data, image, archive"},
  {"name", "NAME", false, is_line, "a line of at most 256 bytes"},
  {"content_type", "TYPE", false, artifact::is_content_type, "a type such as text/html"},
  {"exposure", "private|link", false, is_exposure, "private or link"},
  {"ttl", "DURATION", false, is_life, "a time from 1s to 90d"},
};
constexpr Argument k_task_contract[] = {
  {"id", "ID", true, task_contract::is_id, "the id of a task contract"},
};
constexpr Argument k_contract_lease[] = {
  {"id", "ID", true, task_contract::is_id, "the id of a task contract"},
  {"lease", "DURATION", false, is_lease, "a time from 1s to 24h"},
};
constexpr Argument k_contract_release[] = {
  {"id", "ID", true, task_contract::is_id, "the id of a task contract"},
  {"message", "TEXT", false, is_message, "a text of at most 1000 bytes"},
};
constexpr Argument k_contract_update[] = {
  {"id", "ID", true, task_contract::is_id, "the id of a task contract"},
  {"status", "in_progress|blocked", false, is_update, "in_progress or blocked"},
  {"message", "TEXT", false, is_message, "a text of at most 1000 bytes"},
};
constexpr Argument k_contract_close[] = {
  {"id", "ID", true, task_contract::is_id, "the id of a task contract"},
  {"message", "TEXT", false, is_message, "a text of at most 1000 bytes"},
  {"cancel", "true", false, is_flag, "true or false"},
};
constexpr Argument k_contract_open[] = {
  {"id", "ID", true, task_contract::is_id, "letters, digits, '.', '_' and '-', at most 64"},
  {"title", "TEXT", true, is_line, "a line of at most 256 bytes"},
  {"description", "TEXT", false, is_description, "a text of at most 16384 bytes"},
  {"checks", "ID,…", false, is_list_of_checks, "ids of contracts with commas, at most 16"},
  {"due", "TIME", false, is_time, "a time such as 2026-11-20T21:30:00Z"},
};
constexpr Argument k_contract_list[] = {
  {"all", "true", false, is_flag, "true or false"},
};
constexpr Argument k_contract_propose[] = {
  {"yaml", "TEXT", true, is_some_text, "a contract in YAML"},
};
constexpr Argument k_agent_propose[] = {
  {"toml", "TEXT", true, is_some_text, "a block [[agents]] in TOML"},
};
constexpr Argument k_approval[] = {
  {"id", "ID", true, is_request_id, "the id of a request: 16 of 0-9a-f"},
};

struct VerbArguments {
  std::string_view verb;
  std::span<const Argument> arguments;
};

constexpr auto k_arguments = std::to_array<VerbArguments>({
  {"agent.propose", k_agent_propose},
  {"approval.status", k_approval},
  {"artifact.create", k_artifact},
  {"contract.claim", k_contract_lease},
  {"contract.close", k_contract_close},
  {"contract.list", k_contract_list},
  {"contract.open", k_contract_open},
  {"contract.propose", k_contract_propose},
  {"contract.release", k_contract_release},
  {"contract.renew", k_contract_lease},
  {"contract.run", k_contract_run},
  {"contract.show", k_task_contract},
  {"contract.update", k_contract_update},
  {"note", k_note},
  {"package.request", k_package},
  {"query", k_query},
  {"service.restart", k_service},
  {"service.status", k_service},
  {"task.send", k_task_send},
});

std::span<const Argument> arguments_of(std::string_view verb)
{
  for (const auto& each : k_arguments) {
    if (each.verb == verb) {
      return each.arguments;
    }
  }
  return {k_none, 0};
}

} // namespace

Result<> check_arguments(const GateVerb& verb, const ask::Arguments& args)
{
  const auto wanted = arguments_of(verb.name);
  for (const auto& [name, value] : args) {
    const auto known = std::find_if(wanted.begin(), wanted.end(), [&](const Argument& argument) {
      return argument.name == name;
    });
    if (known == wanted.end()) {
      return fail(Kind::bad_data, "{} has no argument '{}': {}", verb.name, escaped(name, 40),
        usage_of(verb.name));
    }
    if (!known->is_good(value)) {
      return fail(
        Kind::bad_data, "argument '{}': '{}' is not {}", name, escaped(value, 80), known->wanted);
    }
  }
  for (const auto& argument : wanted) {
    if (argument.is_needed && !args.contains(argument.name)) {
      return fail(
        Kind::bad_data, "{} needs '{}': {}", verb.name, argument.name, usage_of(verb.name));
    }
  }
  return {};
}

std::string argument_of(const GateVerb& verb, const ask::Arguments& args)
{
  const auto found = args.find(verb.argument);
  return found == args.end() ? "" : found->second;
}

bool is_carried_out_apart(std::string_view verb)
{
  constexpr std::array<std::string_view, 7> k_verbs{"agent.propose", "artifact.create",
    "contract.close", "contract.propose", "contract.run", "package.request", "service.restart"};
  return std::find(k_verbs.begin(), k_verbs.end(), verb) != k_verbs.end();
}

bool is_service_name(std::string_view name)
{
  constexpr std::string_view k_end = ".service";
  const auto stem =
    name.ends_with(k_end) ? name.substr(0, name.size() - k_end.size()) : std::string_view();
  // not "web@.service", which is a template, nor "@x.service"
  return is_all(name, k_max_unit_name,
           [](char c) {
             return is_word(c) || std::string_view(":_.@\\-").find(c) != std::string_view::npos;
           }) &&
         !stem.empty() && stem.front() != '.' && stem.front() != '-' && stem.front() != '@' &&
         stem.back() != '@';
}

bool is_contract_id(std::string_view id)
{
  constexpr std::size_t k_most = 128;
  return is_all(id, k_most, [](char c) {
    return is_word(c) || c == '.' || c == '_' || c == '-' || c == '/';
  }) && is_word(id.front());
}

Proposal proposal_of(std::string_view verb)
{
  return verb == "contract.propose" ? Proposal{"yaml", ".yaml"}
         : verb == "agent.propose"  ? Proposal{"toml", ".toml"}
                                    : Proposal{};
}

std::string usage_of(std::string_view verb)
{
  std::vector<std::string> words;
  for (const auto& argument : arguments_of(verb)) {
    auto word = fmt::format("{}={}", argument.name, argument.shown);
    words.push_back(argument.is_needed ? word : "[" + word + "]");
  }
  return join(words, " ");
}

} // namespace conos::gate
