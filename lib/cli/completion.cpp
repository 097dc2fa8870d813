#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace conos::cli {

namespace {

std::string options_of(const Verb& verb)
{
  std::string words;
  for (const auto& option : verb.options) {
    words += fmt::format("--{}{} ", option.name, option.value.empty() ? "" : "=");
  }
  return words + "--help";
}

std::string verbs_of(const Tool& tool)
{
  std::string words;
  for (const auto& verb : tool.verbs) {
    words += verb.name + " ";
  }
  return words + "--help --version";
}

bool has_verbs(const Tool& tool)
{
  return tool.verbs.size() > 1 || !tool.verbs.front().name.empty();
}

// A shell function's name has no hyphen.
std::string function_name(const Tool& tool)
{
  auto name = "_" + tool.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Within single quotes of any of the three shells.
std::string quoted(std::string text)
{
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) {
    text.replace(at, 1, "'\\''");
  }
  return "'" + text + "'";
}

std::string agents_command()
{
  return "conos status --names 2>/dev/null";
}

std::string bash(const Tool& tool)
{
  const auto name = function_name(tool);
  std::string text = fmt::format("{}()\n{{\n  local cur=${{COMP_WORDS[COMP_CWORD]}} words\n", name);
  if (has_verbs(tool)) {
    text += "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=" + quoted(verbs_of(tool)) +
            "\n  else\n    case ${COMP_WORDS[1]} in\n";
    for (const auto& verb : tool.verbs) {
      text += fmt::format("      {}) words={} ;;\n", verb.name, quoted(options_of(verb)));
    }
    text += "    esac\n  fi\n";
  } else {
    text += "  words=" + quoted(options_of(tool.verbs.front()) + " --version") + "\n";
  }
  text += "  case $cur in\n    -*) ;;\n    *) [ \"$COMP_CWORD\" -gt 1 ] && words=\"$words $(" +
          agents_command() + ")\" ;;\n  esac\n";
  text += "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n";
  return text + fmt::format("complete -o default -F {} {}\n", name, tool.name);
}

std::string zsh(const Tool& tool)
{
  std::string text = fmt::format("#compdef {}\nlocal -a words\n", tool.name);
  if (has_verbs(tool)) {
    text += "if (( CURRENT == 2 )); then\n  words=(";
    for (const auto& verb : tool.verbs) {
      text += quoted(verb.name + ":" + verb.purpose) + " ";
    }
    text += ")\n  _describe command words\n  return\nfi\ncase $words[2] in\n";
  }
  for (const auto& verb : tool.verbs) {
    text += has_verbs(tool) ? fmt::format("{})\n  _arguments ", verb.name) : "_arguments ";
    for (const auto& option : verb.options) {
      auto help = option.help;
      help.erase(std::remove_if(help.begin(), help.end(),
                   [](char c) {
                     return c == '[' || c == ']' || c == ':';
                   }),
        help.end());
      text += quoted(fmt::format("--{}{}[{}]{}", option.name, option.value.empty() ? "" : "=", help,
                option.value.empty() ? "" : ":" + option.value + ":")) +
              " ";
    }
    text += "'--help[print this]' '*:agent:($(" + agents_command() + "))'\n";
    text += has_verbs(tool) ? "  ;;\n" : "";
  }
  return text + (has_verbs(tool) ? "esac\n" : "");
}

std::string fish(const Tool& tool)
{
  std::string text;
  for (const auto& verb : tool.verbs) {
    const bool named = !verb.name.empty();
    if (named) {
      text += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {} -d {}\n", tool.name,
        verb.name, quoted(verb.purpose));
    }
    const auto when = named ? fmt::format("-n '__fish_seen_subcommand_from {}' ", verb.name) : "";
    for (const auto& option : verb.options) {
      text += fmt::format("complete -c {} {}-l {}{}{} -d {}\n", tool.name, when, option.name,
        option.letter != 0 ? fmt::format(" -s {}", option.letter) : "",
        option.value.empty() ? "" : " -r", quoted(option.help));
    }
  }
  return text;
}

} // namespace

bool print_completion(const Tool& tool, std::string_view shell)
{
  if (shell != "bash" && shell != "zsh" && shell != "fish") {
    return false;
  }
  const auto text = shell == "bash" ? bash(tool) : shell == "zsh" ? zsh(tool) : fish(tool);
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

} // namespace conos::cli
