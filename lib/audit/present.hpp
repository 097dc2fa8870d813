#pragma once

#include "audit/reader.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Rows as text. What others wrote into them is escaped.
namespace conos::audit {

// A text as JSON, in quotes; what is no UTF-8 is replaced.
std::string json_text(std::string_view text);

// All of a row as one line of JSON, keys sorted: what `tail --json` prints. Its hash can be checked
// from this line alone.
std::string json_line(const Event& event);

// The same for the day files: where a task ended, with the keys that scripts written for molt-os
// read there: timestamp, agent, task_file, trust, outcome, duration_ms, output_chars and more.
std::string day_line(const Event& event);

// The row such a line tells of.
std::optional<Event> event_in_line(std::string_view line);

// Where a task ended, a line of the day's table: 18 columns between tabs, "-" for what is unknown.
// They are timestamp, agent, model, task_file, trust, duration, output_chars, outcome, transport,
// channel, from, source, parent, thread_id, thread_key, session_strategy, session_key, policy_refs,
// as in molt-os. Empty for any other row.
std::string table_line(const Event& event);

// A payload for people: "agent=sysadmin id=fix-disk outcome=answered", on one line.
std::string brief(std::string_view payload);

// A row for people who look at it alone: a field a line, the payload's values one below the other.
std::string in_full(const Event& event);

// A line of the day's log: "TIME [agent] run: processed ID.task [trust:verified] [answered] …" for
// the end of a task, "TIME [route] alice -> sysadmin: x.task", "TIME [who] type: payload".
std::string log_line(const Event& event);

// Lines of a table, which grows wider with what it has seen.
class Table
{
public:
  enum class Colour { no, yes };
  explicit Table(Colour colour);

  void fit(const Event& event);
  std::string line(const Event& event) const;

private:
  Colour m_colour;
  std::size_t m_id = 1;
  std::size_t m_type = 1;
  std::size_t m_actor = 1;
};

} // namespace conos::audit
