#include "cli/spinner.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <array>
#include <cstdlib>

namespace conos::cli {

namespace {

constexpr std::string_view k_erase = "\r\x1b[K";

bool is_terminal()
{
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

void put(std::string_view text)
{
  (void)!::write(STDERR_FILENO, text.data(), text.size()); // decoration
}

} // namespace

Spinner::Spinner()
    : m_is_on(is_terminal())
{
}

Spinner::~Spinner()
{
  if (m_is_on) {
    put(k_erase);
  }
}

void Spinner::show(std::string_view text)
{
  constexpr std::array<std::string_view, 10> k_turns{
    "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
  if (m_is_on) {
    put(fmt::format("{}{} {}", k_erase, k_turns[m_turn++ % k_turns.size()], text));
  }
}

} // namespace conos::cli
