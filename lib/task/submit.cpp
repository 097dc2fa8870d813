#include "task/submit.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"
#include "task/id.hpp"

namespace conos {

namespace {

bool same(const Envelope& a, const Envelope& b)
{
  return a.title == b.title && a.to == b.to && a.thread == b.thread && a.channel == b.channel &&
         a.transport == b.transport && a.source == b.source && a.reply == b.reply &&
         a.from == b.from && a.claimed == b.claimed && a.priority == b.priority && a.body == b.body;
}

} // namespace

Result<std::string> task_file_text(const Envelope& envelope)
{
  if (trimmed(envelope.body).empty()) {
    return fail(Kind::bad_data, "the task has no text");
  }
  auto text = to_text(envelope);
  if (text.size() > k_max_task_bytes) {
    return fail(Kind::bad_data, "the task is larger than {} bytes", k_max_task_bytes);
  }
  if (!is_utf8(text)) {
    return fail(Kind::bad_data, "the task is not UTF-8 text");
  }
  // what escaping, trimming or a limit would change is refused: nobody would notice it later
  CONOS_TRY(const auto read_back, parse_envelope(text));
  if (!same(envelope, read_back)) {
    return fail(Kind::bad_data,
      "a header value is too long, begins or ends with a space, or has a backslash or a control "
      "character in it");
  }
  return text;
}

Result<std::string> submit_task(const std::string& inbox, const Envelope& envelope)
{
  CONOS_TRY(const auto text, task_file_text(envelope));
  CONOS_TRY(const auto id, new_task_id(now()));
  // held, not opened: a drop box can be written in and not read
  CONOS_TRY(const auto box, hold_dir(inbox));
  CONOS_CHECK(publish(box, id + ".task", text, 0600).map_error(during("'" + inbox + "'")));
  return id;
}

Result<Time> parse_when(std::string_view text, Time now)
{
  if (const auto time = parse_rfc3339(text)) {
    return *time;
  }
  if (const auto after = parse_duration(text)) {
    return now + *after;
  }
  return fail(Kind::usage, "'{}' is neither a time (2026-11-20T21:30:00Z) nor a duration (2h)",
    escaped(text));
}

} // namespace conos
