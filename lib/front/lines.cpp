#include "front/lines.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace conos::front {

namespace {

bool is_on(const AgentFacts& agent)
{
  if (!agent.units) {
    return false;
  }
  const std::array units{&agent.units->path, &agent.units->service, &agent.units->timer};
  return std::any_of(units.begin(), units.end(), [](const std::string* state) {
    return *state == "active" || *state == "activating" || *state == "reloading";
  });
}

} // namespace

std::string status_lines(const Facts& facts)
{
  std::string text;
  for (const auto& agent : facts.agents) {
    text += fmt::format("{:<20} {}  ({} pending)\n", agent.name,
      is_on(agent) ? "active" : "inactive", agent.queue.waiting.value_or(0));
  }
  return text;
}

std::string screen_of(std::string_view text, std::size_t rows, std::size_t columns)
{
  constexpr std::string_view k_home = "\x1b[H";
  constexpr std::string_view k_end_of_line = "\x1b[K";
  constexpr std::string_view k_end_of_screen = "\x1b[J";
  std::string out(k_home);
  const auto lines = split(text, '\n');
  // the last row stays empty: a newline in it would scroll
  for (std::size_t i = 0; i < lines.size() && i + 1 < rows; ++i) {
    out += clipped(lines[i], columns);
    out += k_end_of_line;
    out += '\n';
  }
  return out + std::string(k_end_of_screen);
}

std::string answer_heading(std::string_view agent, std::string_view file)
{
  return fmt::format("=== {}: {} ===\n", agent, escaped(file));
}

std::string answer_body(std::string_view text)
{
  while (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  std::string body;
  for (const auto line : split(text, '\n')) {
    body += line.starts_with("=== ") ? " " : "";
    body += line;
    body += '\n';
  }
  return body + "\n";
}

} // namespace conos::front
