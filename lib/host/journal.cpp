#include "host/journal.hpp"

#include "sys/free_with.hpp"

#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace conos {

namespace {

using Reader = std::unique_ptr<sd_journal, FreeWith<sd_journal_close>>;

tl::unexpected<Error> journal_error(int code, const std::string& deed)
{
  return tl::unexpected<Error>(Error{kind_of(-code), -code, deed});
}

Result<> match_line(sd_journal* journal, const std::string& name, const std::string& value)
{
  const auto text = name + "=" + value;
  const int code = sd_journal_add_match(journal, text.data(), text.size());
  return code < 0 ? Result<>(journal_error(code, "search the journal")) : Result<>();
}

Result<std::string> value_of(sd_journal* journal, const std::string& field)
{
  const void* data = nullptr;
  std::size_t size = 0;
  const int code = sd_journal_get_data(journal, field.c_str(), &data, &size);
  if (code < 0) {
    return journal_error(code, "read the journal");
  }
  const std::string text(static_cast<const char*>(data), size);
  return text.substr(std::min(text.size(), field.size() + 1)); // FIELD=value
}

} // namespace

Result<> journal_send(const std::string& message, const JournalFields& fields)
{
  std::vector<std::string> lines{"MESSAGE=" + message, "PRIORITY=5"};
  for (const auto& [name, value] : fields) {
    lines.push_back(name + "=" + value);
  }
  std::vector<iovec> parts;
  for (auto& line : lines) {
    parts.push_back({line.data(), line.size()});
  }
  const int code = sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  return code < 0 ? Result<>(journal_error(code, "write to the journal")) : Result<>();
}

Result<std::vector<std::string>> journal_values(
  const std::string& field, const JournalFields& match, std::size_t count)
{
  sd_journal* raw = nullptr;
  if (const int code = sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY); code < 0) {
    return journal_error(code, "open the journal");
  }
  const Reader journal(raw);
  (void)sd_journal_set_data_threshold(raw, 0); // a value whole
  CONOS_CHECK(
    match_line(raw, "_UID", std::to_string(::getuid()))); // journald's word, not the sender's
  for (const auto& [name, value] : match) {
    CONOS_CHECK(match_line(raw, name, value));
  }
  std::vector<std::string> values;
  if (const int code = sd_journal_seek_tail(raw); code < 0) {
    return journal_error(code, "search the journal");
  }
  while (values.size() < count) {
    const int code = sd_journal_previous(raw);
    if (code < 0) {
      return journal_error(code, "search the journal");
    }
    if (code == 0) {
      break;
    }
    CONOS_TRY(auto value, value_of(raw, field));
    values.push_back(std::move(value));
  }
  std::reverse(values.begin(), values.end());
  return values;
}

} // namespace conos
