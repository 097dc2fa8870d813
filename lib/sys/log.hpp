#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

// One line per event on standard error. When $JOURNAL_STREAM names our stderr, the line starts
// with its priority as in sd-daemon(3); otherwise with the tool's name. A step of an agent's unit
// has no stderr: there the line goes to the journal's socket as a native record. Text from outside
// must be passed through escaped() by the caller; a line that is not one is escaped here anyway.
namespace conos::log {

// The name in front of each line; set once by cli::run.
void set_name(std::string_view name);

// Sends each line to the journal socket too, for a process whose stderr is /dev/null.
void use_journal();

void write(int priority, std::string_view line);

template<class... Args>
void error(fmt::format_string<Args...> form, Args&&... args)
{
  write(3, fmt::format(form, std::forward<Args>(args)...));
}

template<class... Args>
void warning(fmt::format_string<Args...> form, Args&&... args)
{
  write(4, fmt::format(form, std::forward<Args>(args)...));
}

template<class... Args>
void notice(fmt::format_string<Args...> form, Args&&... args)
{
  write(5, fmt::format(form, std::forward<Args>(args)...));
}

template<class... Args>
void info(fmt::format_string<Args...> form, Args&&... args)
{
  write(6, fmt::format(form, std::forward<Args>(args)...));
}

} // namespace conos::log
