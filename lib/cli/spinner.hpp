#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace conos::cli {

// One line on standard error that says what goes on, where that is a terminal; elsewhere nothing.
// It is gone when the spinner is.
class Spinner
{
public:
  Spinner();
  ~Spinner();
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  bool is_on() const { return m_is_on; }

  // `text` must be fit for a terminal.
  void show(std::string_view text);

private:
  bool m_is_on;
  std::size_t m_turn = 0;
};

} // namespace conos::cli
