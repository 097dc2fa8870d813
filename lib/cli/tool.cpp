#include "cli/tool.hpp"

#include "cli/completion.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>

namespace conos::cli {

namespace {

std::string left_column(const Option& option)
{
  auto text = option.letter != 0 ? fmt::format("  -{}, --{}", option.letter, option.name)
                                 : fmt::format("      --{}", option.name);
  return option.value.empty() ? text : text + "=" + option.value;
}

std::string help_of(const Tool& tool, const Verb* only)
{
  std::string text = fmt::format("{} - {}\n\n", tool.name, only ? only->purpose : tool.purpose);
  for (const auto& verb : tool.verbs) {
    if (only != nullptr && only != &verb) {
      continue;
    }
    std::string line = "  " + tool.name;
    line += verb.name.empty() ? "" : " " + verb.name;
    line += verb.options.empty() ? "" : " [options]";
    line += verb.operands.empty() ? "" : " " + verb.operands;
    text += verb.name.empty() ? line + "\n" : fmt::format("{:<44} {}\n", line, verb.purpose);
    if (only != nullptr || tool.verbs.size() == 1) {
      text += verb.options.empty() ? "" : "\n";
      for (const auto& option : verb.options) {
        text += fmt::format("{:<28} {}", left_column(option), option.help);
        text += option.fallback.empty() ? "\n" : fmt::format(" (default: {})\n", option.fallback);
      }
    }
  }
  text += fmt::format("\n{:<28} {}\n{:<28} {}\n\nman {} {}\n", "  -h, --help", "print this",
    "      --version", "print the version", tool.section, tool.name);
  return text;
}

void print(std::string_view text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

const Verb* find_verb(const Tool& tool, std::string_view name)
{
  const auto found = std::find_if(tool.verbs.begin(), tool.verbs.end(), [&](const Verb& verb) {
    return verb.name == name;
  });
  return found == tool.verbs.end() ? nullptr : &*found;
}

std::vector<std::string> names_of_verbs(const Tool& tool)
{
  std::vector<std::string> names;
  for (const auto& verb : tool.verbs) {
    names.push_back(verb.name);
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates)
{
  const auto near = nearest(word, candidates);
  return near ? fmt::format(" (did you mean '{}'?)", *near) : "";
}

// The least and most operands "NAME [AGENT]" or "ID…" allows.
struct Count {
  std::size_t least = 0;
  std::size_t most = 0;
};

Count count_of(std::string_view operands)
{
  Count count;
  for (const auto word : split(operands, ' ')) {
    if (word.empty()) {
      continue;
    }
    count.least += word.front() == '[' ? 0U : 1U;
    count.most = word.find("…") != std::string_view::npos ? 10'000 : count.most + 1;
  }
  return count;
}

} // namespace

bool Args::has(const std::string& option) const
{
  return m_given.contains(option);
}

const std::string& Args::operator[](const std::string& option) const
{
  const auto found = m_values.find(option);
  assert(found != m_values.end());
  return found->second;
}

const std::vector<std::string>& Args::all(const std::string& option) const
{
  static const std::vector<std::string> none;
  const auto found = m_given.find(option);
  return found == m_given.end() ? none : found->second;
}

Result<long> Args::number(const std::string& option, long least, long most) const
{
  const auto& text = (*this)[option];
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(
      Kind::usage, "--{}={} is not a number from {} to {}", option, escaped(text), least, most);
  }
  return value;
}

// getopt_long does the parsing; this only translates our table to its.
class Parser
{
public:
  explicit Parser(const Verb& verb)
      : m_verb(verb)
  {
    // a leading + stops at the first operand, a leading : leaves the messages to us
    m_letters = verb.stays_raw ? "+:h" : ":h";
    for (std::size_t i = 0; i < verb.options.size(); ++i) {
      const auto& option = verb.options[i];
      const int takes = option.value.empty() ? no_argument : required_argument;
      m_long.push_back({option.name.c_str(), takes, nullptr, k_first + static_cast<int>(i)});
      if (option.letter != 0) {
        m_letters += option.letter;
        m_letters += option.value.empty() ? "" : ":";
      }
    }
    m_long.push_back({"help", no_argument, nullptr, 'h'});
    m_long.push_back({"version", no_argument, nullptr, 'V'});
    m_long.push_back({nullptr, 0, nullptr, 0});
  }

  enum class Asked { run, help, version };

  Result<Asked> parse(int argc, char* argv[], Args& args) const
  {
    for (const auto& option : m_verb.options) {
      args.m_values[option.name] = option.fallback;
    }
    ::optind = 0; // glibc: start afresh
    for (;;) {
      const int got = ::getopt_long(argc, argv, m_letters.c_str(), m_long.data(), nullptr);
      if (got == -1) {
        break;
      }
      if (got == 'h') {
        return Asked::help;
      }
      if (got == 'V') {
        return Asked::version;
      }
      if (got == ':') {
        return fail(Kind::usage, "{} needs a value", argv[::optind - 1]);
      }
      const Option* option = got == '?' ? nullptr : option_of(got);
      if (option == nullptr) {
        return unknown(argv[::optind - 1]);
      }
      const std::string value = ::optarg != nullptr ? ::optarg : "yes";
      args.m_values[option->name] = value;
      args.m_given[option->name].push_back(value);
    }
    args.operands.assign(argv + ::optind, argv + argc);
    return check_count(args);
  }

private:
  static constexpr int k_first = 1000;

  const Option* option_of(int got) const
  {
    if (got >= k_first) {
      return &m_verb.options[static_cast<std::size_t>(got - k_first)];
    }
    const auto found =
      std::find_if(m_verb.options.begin(), m_verb.options.end(), [&](const Option& option) {
        return option.letter == got;
      });
    return found == m_verb.options.end() ? nullptr : &*found;
  }

  Result<Asked> unknown(std::string_view word) const
  {
    std::vector<std::string> names{"help", "version"};
    for (const auto& option : m_verb.options) {
      names.push_back(option.name);
    }
    const auto bare = word.substr(0, word.find('='));
    const auto hint = bare.starts_with("--") ? did_you_mean(bare.substr(2), names) : "";
    return fail(Kind::usage, "there is no option {}{}", escaped(bare), hint);
  }

  Result<Asked> check_count(const Args& args) const
  {
    const auto count = count_of(m_verb.operands);
    if (args.operands.size() < count.least) {
      return fail(Kind::usage, "{} is missing", m_verb.operands);
    }
    if (!m_verb.stays_raw && args.operands.size() > count.most) {
      return fail(Kind::usage, "'{}' is one argument too many (quote a text of several words)",
        escaped(args.operands[count.most]));
    }
    return Asked::run;
  }

  const Verb& m_verb;
  std::string m_letters;
  std::vector<option> m_long;
};

Exit exit_of(const Error& error)
{
  switch (error.kind) {
  case Kind::usage:
    return Exit::usage;
  case Kind::bad_data:
  case Kind::exists:
    return Exit::bad_data;
  case Kind::not_found:
  case Kind::unavailable:
    return Exit::unavailable;
  case Kind::denied:
    return Exit::denied;
  case Kind::busy:
    return Exit::later;
  case Kind::config:
    return Exit::config;
  case Kind::os:
    return Exit::os;
  }
  return Exit::bug;
}

bool colour(int fd)
{
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr && term != nullptr &&
         std::string_view(term) != "dumb";
}

namespace {

int usage(const Tool& tool, const Verb* verb, const std::string& what)
{
  const auto sub = verb != nullptr && !verb->name.empty() ? " " + verb->name : "";
  log::error("{}; see '{}{} --help'", what, tool.name, sub);
  return static_cast<int>(Exit::usage);
}

int run_verb(int argc, char* argv[], const Tool& tool, const Verb& verb)
{
  Args args;
  const auto asked = Parser(verb).parse(argc, argv, args);
  if (!asked) {
    return usage(tool, &verb, asked.error().text());
  }
  if (*asked == Parser::Asked::help) {
    print(help_of(tool, &verb));
    return 0;
  }
  if (*asked == Parser::Asked::version) {
    print(fmt::format("{} (conos) {}\n", tool.name, CONOS_VERSION));
    return 0;
  }
  auto ended = verb.body(args);
  if (ended && std::fflush(stdout) != 0) { // a full disk must not look like success
    ended = os_error("write the output");
  } else if (ended && std::ferror(stdout) != 0) { // why, was known only when it happened
    ended = fail(Kind::os, "not all of the output could be written");
  }
  if (!ended) {
    if (ended.error().kind == Kind::usage) {
      return usage(tool, &verb, ended.error().text());
    }
    log::error("{}", ended.error().text());
    return static_cast<int>(exit_of(ended.error()));
  }
  return static_cast<int>(*ended);
}

int dispatch(int argc, char* argv[], const Tool& tool)
{
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--print-completion") {
    return print_completion(tool, argc > 2 ? argv[2] : "") ? 0 : static_cast<int>(Exit::usage);
  }
  if (tool.verbs.size() == 1 && tool.verbs.front().name.empty()) {
    return run_verb(argc, argv, tool, tool.verbs.front());
  }
  if (first == "--version") {
    print(fmt::format("{} (conos) {}\n", tool.name, CONOS_VERSION));
    return 0;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    const Verb* verb = argc > 2 ? find_verb(tool, argv[2]) : nullptr;
    print(help_of(tool, verb));
    return 0;
  }
  if (first.empty()) {
    return usage(tool, nullptr, "what to do is missing");
  }
  const Verb* verb = find_verb(tool, first);
  if (verb == nullptr) {
    return usage(tool, nullptr,
      fmt::format("there is no '{}'{}", escaped(first), did_you_mean(first, names_of_verbs(tool))));
  }
  return run_verb(argc - 1, argv + 1, tool, *verb);
}

} // namespace

int run(int argc, char* argv[], const Tool& tool)
{
  log::set_name(tool.name);
  (void)std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error like any other
  try {
    return dispatch(argc, argv, tool);
  } catch (const std::exception& error) {
    log::error("this is a bug: {}", escaped(error.what()));
  } catch (...) {
    log::error("this is a bug: an exception of an unknown type");
  }
  return static_cast<int>(Exit::bug);
}

} // namespace conos::cli
