#include "plan/environment.hpp"

#include "sys/text.hpp"

#include <algorithm>
#include <utility>

namespace conos::plan {

namespace {

constexpr std::string_view k_white = " \t\n\r";
constexpr std::string_view k_ends = "\n\r"; // of a line; "\r\n" is one and an empty line

bool is_one_of(std::string_view set, char c)
{
  return set.find(c) != std::string_view::npos;
}

bool is_variable_name(std::string_view name)
{
  const auto strange = std::find_if(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return !letter && (c < '0' || c > '9');
  });
  return !name.empty() && strange == name.end() && (name[0] < '0' || name[0] > '9');
}

class Parser
{
public:
  explicit Parser(std::string_view text)
      : m_text(text)
  {
  }

  EnvironmentFile parse()
  {
    while (skip(k_white), !at_end()) {
      m_first = m_line;
      if (is_one_of("#;", peek())) {
        // a backslash at its end does not make the next line a comment, as before systemd 254:
        // there may be a variable in it
        (void)until(k_ends);
      } else {
        assignment();
      }
    }
    return std::move(m_file);
  }

private:
  bool at_end() const { return m_at == m_text.size(); }
  char peek() const { return m_text[m_at]; }

  char next()
  {
    const char c = m_text[m_at++];
    m_line += c == '\n' ? 1 : 0;
    return c;
  }

  void skip(std::string_view set)
  {
    while (!at_end() && is_one_of(set, peek())) {
      (void)next();
    }
  }

  std::string_view until(std::string_view set)
  {
    const auto start = m_at;
    while (!at_end() && !is_one_of(set, peek())) {
      (void)next();
    }
    return m_text.substr(start, m_at - start);
  }

  void assignment()
  {
    const auto name = trimmed(until("=\n\r"));
    if (at_end() || peek() != '=') {
      tell("is not KEY=VALUE");
      return;
    }
    (void)next();
    Variable variable{m_first, std::string(name), {}};
    if (!value(variable.value)) {
      tell("has a quote that is not closed");
    } else if (!is_variable_name(name)) {
      tell("does not begin with the name of a variable");
    } else if (!is_utf8(variable.value.view()) || is_one_of(variable.value.view(), '\0')) {
      tell("is not text");
    } else {
      keep(std::move(variable));
    }
  }

  void tell(std::string what) { m_file.unreadable.push_back({m_first, std::move(what)}); }

  void keep(Variable variable)
  {
    std::erase_if(m_file.variables, [&](const Variable& earlier) {
      return earlier.name == variable.name;
    });
    m_file.variables.push_back(std::move(variable));
  }

  // Quoted parts, and then the rest of the line, in which a quote means nothing. False when the
  // text ends in quotes.
  bool value(Secret& into)
  {
    for (;;) {
      skip(" \t");
      if (at_end() || is_one_of(k_ends, peek())) {
        return true;
      }
      if (peek() != '\'' && peek() != '"') {
        plain(into);
        return true;
      }
      const char quote = next();
      if (!(quote == '"' ? in_double_quotes(into) : in_single_quotes(into))) {
        return false;
      }
    }
  }

  // To the end of the line, without the white space there unless a backslash stands before it.
  void plain(Secret& into)
  {
    auto size = into.size();
    while (!at_end() && !is_one_of(k_ends, peek())) {
      const char c = next();
      if (c != '\\') {
        into.append(c);
        size = is_one_of(k_white, c) ? size : into.size();
        continue;
      }
      if (!at_end()) {
        escaped_in_plain(into);
      }
      size = into.size();
    }
    into.resize(size);
  }

  void escaped_in_plain(Secret& into)
  {
    const char c = next();
    if (!is_one_of(k_ends, c)) { // the end of a line goes, and the value with it goes on
      into.append(c);
    }
  }

  bool in_single_quotes(Secret& into)
  {
    while (!at_end()) {
      const char c = next();
      if (c == '\'') {
        return true;
      }
      into.append(c);
    }
    return false;
  }

  bool in_double_quotes(Secret& into)
  {
    while (!at_end()) {
      const char c = next();
      if (c == '"') {
        return true;
      }
      if (c != '\\') {
        into.append(c);
      } else if (!at_end()) {
        escaped_in_quotes(into);
      }
    }
    return false;
  }

  // As a shell reads it: before another character the backslash stays.
  void escaped_in_quotes(Secret& into)
  {
    const char c = next();
    if (is_one_of("\"\\`$", c)) {
      into.append(c);
    } else if (c != '\n') {
      into.append('\\');
      into.append(c);
    }
  }

  std::string_view m_text;
  std::size_t m_at = 0;
  int m_line = 1;
  int m_first = 1; // line of the assignment that is being read
  EnvironmentFile m_file;
};

} // namespace

EnvironmentFile parse_environment_file(std::string_view text)
{
  return Parser(text).parse();
}

} // namespace conos::plan
