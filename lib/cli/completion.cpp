#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>

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

// The command that prints what may stand for `word`, an operand or an option's value as the table
// has it: agents, or the newest tasks; empty where nothing can be listed.
std::string names_command(const Tool& tool, std::string_view option, std::string_view word)
{
  const bool is_task = option.empty() ? tool.name == "conos-task" || tool.name == "conos-run"
                                      : option == "task" || option == "task-id";
  if (word.find("AGENT") != word.npos) {
    return "conos status --names 2>/dev/null";
  }
  return is_task && word.find("ID") != word.npos ? "conos-task list --ids -n 20 2>/dev/null" : "";
}

bool takes_file(std::string_view word)
{
  return word.find("FILE") != word.npos || word.find("DIR") != word.npos;
}

// --- bash
// ------------------------------------------------------------------------------------------

// bash breaks words at "=": what is typed behind it is a word of its own.
std::string bash_values(const Tool& tool)
{
  std::set<std::string> lines;
  for (const auto& verb : tool.verbs) {
    for (const auto& option : verb.options) {
      const auto command = names_command(tool, option.name, option.value);
      if (!command.empty()) {
        lines.insert(fmt::format("      --{}) words=$({}) ;;\n", option.name, command));
      }
    }
  }
  std::string text = "    case $option in\n";
  for (const auto& line : lines) {
    text += line;
  }
  return text + "      *) return ;;\n    esac\n";
}

std::string bash_words(const Tool& tool, const Verb& verb)
{
  const auto command = names_command(tool, "", verb.operands);
  const auto operands = command.empty() ? "" : fmt::format("words=$({})", command);
  return fmt::format("case $cur in -*) words={} ;; *) {} ;; esac", quoted(options_of(verb)),
    operands.empty() ? ":" : operands);
}

std::string bash(const Tool& tool)
{
  const auto name = function_name(tool);
  std::string text = fmt::format("{}()\n{{\n"
                                 "  local cur=${{COMP_WORDS[COMP_CWORD]}} words='' option=''\n"
                                 "  if [ \"$cur\" = = ]; then\n"
                                 "    option=${{COMP_WORDS[COMP_CWORD - 1]}} cur=''\n"
                                 "  elif [ \"${{COMP_WORDS[COMP_CWORD - 1]}}\" = = ]; then\n"
                                 "    option=${{COMP_WORDS[COMP_CWORD - 2]}}\n"
                                 "  fi\n"
                                 "  if [ -n \"$option\" ]; then\n",
    name);
  text += bash_values(tool);
  if (has_verbs(tool)) {
    text += "  elif [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=" + quoted(verbs_of(tool)) +
            "\n  else\n    case ${COMP_WORDS[1]} in\n";
    for (const auto& verb : tool.verbs) {
      text += fmt::format("      {}) {} ;;\n", verb.name, bash_words(tool, verb));
    }
    text += "    esac\n  fi\n";
  } else {
    text += "  else\n    " + bash_words(tool, tool.verbs.front()) + "\n  fi\n";
  }
  // after "--option=" comes its value, and no space
  text += "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "  case ${COMPREPLY[*]} in *=) compopt -o nospace 2>/dev/null || : ;; esac\n}\n";
  return text + fmt::format("complete -o default -F {} {}\n", name, tool.name);
}

// --- zsh
// -------------------------------------------------------------------------------------------

// In the middle of a specification of _arguments.
std::string plain_help(std::string help)
{
  help.erase(std::remove_if(help.begin(), help.end(),
               [](char c) {
                 return c == '[' || c == ']' || c == ':';
               }),
    help.end());
  return help;
}

std::string zsh_action(const std::string& command, std::string_view word)
{
  return !command.empty() ? "($(" + command + "))" : takes_file(word) ? "_files" : "";
}

std::string zsh_arguments(const Tool& tool, const Verb& verb)
{
  std::string text = "_arguments ";
  for (const auto& option : verb.options) {
    const auto& value = option.value;
    const auto action = zsh_action(names_command(tool, option.name, value), value);
    text += quoted(fmt::format("--{}{}[{}]{}", option.name, value.empty() ? "" : "=",
              plain_help(option.help), value.empty() ? "" : ":" + value + ":" + action)) +
            " ";
  }
  const auto action = zsh_action(names_command(tool, "", verb.operands), verb.operands);
  return text + "'--help[print this]' " + quoted("*: :" + action) + "\n";
}

std::string zsh(const Tool& tool)
{
  std::string text = fmt::format("#compdef {}\nlocal -a words_of_it\n", tool.name);
  if (!has_verbs(tool)) {
    return text + zsh_arguments(tool, tool.verbs.front());
  }
  text += "if (( CURRENT == 2 )); then\n  words_of_it=(";
  for (const auto& verb : tool.verbs) {
    text += quoted(verb.name + ":" + verb.purpose) + " ";
  }
  text += ")\n  _describe command words_of_it\n  return\nfi\ncase $words[2] in\n";
  for (const auto& verb : tool.verbs) {
    text += fmt::format("{})\n  {}  ;;\n", verb.name, zsh_arguments(tool, verb));
  }
  return text + "esac\n";
}

// --- fish
// ------------------------------------------------------------------------------------------

std::string fish_option(const Tool& tool, const std::string& when, const Option& option)
{
  const auto command = names_command(tool, option.name, option.value);
  const auto value = option.value.empty() ? ""
                     : command.empty()    ? " -r"
                                          : " -x -a " + quoted("(" + command + ")");
  return fmt::format("complete -c {} {}-l {}{}{} -d {}\n", tool.name, when, option.name,
    option.letter != 0 ? fmt::format(" -s {}", option.letter) : "", value, quoted(option.help));
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
      text += fish_option(tool, when, option);
    }
    const auto command = names_command(tool, "", verb.operands);
    if (!command.empty()) {
      text +=
        fmt::format("complete -c {} {}-f -a {}\n", tool.name, when, quoted("(" + command + ")"));
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
