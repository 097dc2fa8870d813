#include "audit/day_files.hpp"

#include "audit/place.hpp"
#include "audit/present.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <set>

namespace conos::audit {

namespace {

constexpr mode_t k_mode = 0640;
constexpr const char* k_copied = "copied";

// The files of one day: .log, .jsonl, .tsv.
constexpr std::array<const char*, 3> k_endings{".log", ".jsonl", ".tsv"};
constexpr std::size_t k_table = 2;

// How far the copies have come: what the file `copied` says, "812 2026-11-21 790 40960 81920 512".
struct Position {
  std::int64_t id = 0;     // of the last row copied
  std::string day;         // the files written to last
  std::int64_t before = 0; // the last row copied before that day's files were begun
  std::array<off_t, 3> sizes{};
};

template<class Number>
bool parse(std::string_view text, Number& number)
{
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number >= 0;
}

bool is_day(std::string_view text)
{
  constexpr std::string_view k_form = "dddd-dd-dd";
  return std::equal(text.begin(), text.end(), k_form.begin(), k_form.end(), [](char c, char form) {
    return form == 'd' ? c >= '0' && c <= '9' : c == form;
  });
}

std::optional<Position> position_in(std::string_view text)
{
  const auto words = split(trimmed(text), ' ');
  Position at;
  if (words.size() != 3 + at.sizes.size() || !parse(words[0], at.id) || !is_day(words[1]) ||
      !parse(words[2], at.before)) {
    return {};
  }
  at.day = words[1];
  for (std::size_t i = 0; i < at.sizes.size(); ++i) {
    if (!parse(words[3 + i], at.sizes[i])) {
      return {};
    }
  }
  return at;
}

// A new file is of the directory's group whatever the group of its maker and the umask.
Result<UniqueFd> find_or_make(const UniqueFd& dir, const std::string& name)
{
  constexpr int k_flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd file(::openat(dir.get(), name.c_str(), k_flags));
  if (file) {
    return file;
  }
  if (errno != ENOENT) {
    return os_error("open '{}'", name);
  }
  file.reset(::openat(dir.get(), name.c_str(), k_flags | O_CREAT | O_EXCL, k_mode));
  if (!file) {
    return os_error("make '{}'", name);
  }
  CONOS_TRY(const auto st, stat_of(dir));
  if (::fchown(file.get(), static_cast<uid_t>(-1), st.st_gid) < 0 ||
      ::fchmod(file.get(), k_mode) < 0) {
    return os_error("give '{}' to its group", name);
  }
  return file;
}

// The last whole line of a file of ours; what was cut off in its middle goes.
Result<std::string> last_line(const UniqueFd& file)
{
  constexpr off_t k_longest_line = 1 << 20;
  CONOS_TRY(const auto st, stat_of(file));
  std::string text(static_cast<std::size_t>(std::min(st.st_size, k_longest_line)), '\0');
  const auto start = st.st_size - static_cast<off_t>(text.size());
  if (::pread(file.get(), text.data(), text.size(), start) != std::ssize(text)) {
    return os_error("read a day file");
  }
  const auto end = text.rfind('\n');
  const auto whole = end == std::string::npos ? 0 : end + 1;
  if (::ftruncate(file.get(), start + static_cast<off_t>(whole)) < 0) {
    return os_error("cut a day file");
  }
  text.resize(whole == 0 ? 0 : end);
  return text.substr(text.rfind('\n') + 1); // npos + 1 is the beginning
}

class Copier
{
public:
  static Result<Copier> open(const DayFiles& to)
  {
    CONOS_TRY(auto lines, open_dir(to.lines));
    CONOS_TRY(auto tables, open_dir(to.tables));
    CONOS_TRY(const bool alone, take_lock(lines, Duration::zero()));
    Copier copier(std::move(lines), std::move(tables), alone);
    if (alone) {
      CONOS_CHECK(copier.resume());
    }
    return copier;
  }

  bool is_alone() const { return m_alone; }
  std::int64_t position() const { return m_at.id; }

  Result<> take(const Event& event)
  {
    const auto day = event.ts.substr(0, std::string_view("YYYY-MM-DD").size());
    if (day != m_at.day || m_texts[0].size() > k_at_once) {
      CONOS_CHECK(write());
    }
    if (day != m_at.day) {
      CONOS_CHECK(begin(day));
    }
    m_texts[0] += log_line(event) + "\n";
    m_texts[1] += day_line(event) + "\n";
    m_texts[k_table] += table_line(event);
    m_last = event.id;
    return {};
  }

  // What was taken, and how far that is.
  Result<> write()
  {
    if (m_last <= m_at.id) {
      return {};
    }
    for (std::size_t i = 0; i < k_endings.size(); ++i) {
      if (m_texts[i].empty()) {
        continue;
      }
      CONOS_TRY(const auto file, find_or_make(dir_of(i), name_of(i)));
      CONOS_CHECK(write_all(file, m_texts[i]).map_error(during("append to '" + name_of(i) + "'")));
      m_at.sizes[i] += static_cast<off_t>(m_texts[i].size());
      m_texts[i].clear();
    }
    m_at.id = m_last;
    return remember();
  }

private:
  static constexpr std::size_t k_at_once = 1U << 20U; // bytes

  Copier(UniqueFd lines, UniqueFd tables, bool alone)
      : m_lines(std::move(lines))
      , m_tables(std::move(tables))
      , m_alone(alone)
  {
  }

  const UniqueFd& dir_of(std::size_t i) const { return i == k_table ? m_tables : m_lines; }
  std::string name_of(std::size_t i) const { return m_at.day + k_endings[i]; }

  // A day that is begun: its files may be there, when the clock was set back.
  Result<> begin(const std::string& day)
  {
    if (!is_day(day)) {
      return fail(Kind::bad_data, "a row has no time: '{}'; see conos-audit verify", escaped(day));
    }
    m_at.day = day;
    m_at.before = m_at.id;
    for (std::size_t i = 0; i < k_endings.size(); ++i) {
      CONOS_TRY(m_at.sizes[i], size_of(i));
    }
    return remember();
  }

  Result<off_t> size_of(std::size_t i) const
  {
    const auto st = stat_at(dir_of(i), name_of(i));
    if (!st && st.error().kind == Kind::not_found) {
      return 0;
    }
    return st.map([](const struct stat& found) {
      return found.st_size;
    });
  }

  Result<> remember() const
  {
    return overwrite(m_lines, k_copied,
      fmt::format("{} {} {} {} {} {}", m_at.id, m_at.day, m_at.before, m_at.sizes[0], m_at.sizes[1],
        m_at.sizes[2]));
  }

  Result<> resume()
  {
    CONOS_TRY(const auto line, first_line(m_lines, k_copied));
    const auto at = line ? position_in(*line) : std::nullopt;
    if (!at) {
      return go_on_after_the_newest();
    }
    m_at = *at;
    for (std::size_t i = 0; i < k_endings.size(); ++i) {
      CONOS_TRY(const auto size, size_of(i));
      if (size < m_at.sizes[i]) {
        return copy_day_again();
      }
      if (size > m_at.sizes[i]) {
        CONOS_TRY(const auto file, find_or_make(dir_of(i), name_of(i)));
        CONOS_CHECK(cut(file, m_at.sizes[i]));
      }
    }
    m_last = m_at.id;
    return {};
  }

  static Result<> cut(const UniqueFd& file, off_t size)
  {
    return ::ftruncate(file.get(), size) < 0 ? Result<>(os_error("cut a day file")) : Result<>();
  }

  // Nobody knows how far the copies have come: the newest of them does.
  Result<> go_on_after_the_newest()
  {
    const std::string ending = k_endings[1];
    CONOS_TRY(auto names, list_names(m_lines, SIZE_MAX, [&](std::string_view name) {
      return name.ends_with(ending) && is_day(name.substr(0, name.size() - ending.size()));
    }));
    if (names.empty()) {
      return {}; // all days from the first on
    }
    const auto newest = *std::max_element(names.begin(), names.end());
    CONOS_TRY(const auto file, find_or_make(m_lines, newest));
    CONOS_TRY(const auto last, last_line(file));
    const auto event = event_in_line(last);
    if (!event) {
      return fail(Kind::bad_data, "'{}' is no copy of the ledger: move it away", newest);
    }
    m_at.id = event->id;
    m_last = m_at.id;
    return begin(newest.substr(0, newest.size() - ending.size()));
  }

  Result<> copy_day_again()
  {
    for (std::size_t i = 0; i < k_endings.size(); ++i) {
      CONOS_CHECK(remove_name(dir_of(i), name_of(i)));
    }
    m_at.id = m_at.before;
    m_last = m_at.id;
    m_at.sizes = {};
    return remember();
  }

  UniqueFd m_lines; // holds the lock
  UniqueFd m_tables;
  bool m_alone = false;
  Position m_at;
  std::int64_t m_last = 0; // taken
  std::array<std::string, 3> m_texts;
};

} // namespace

DayFiles day_files_in(const std::string& srv)
{
  return {srv + "/logs/audit", srv + "/ledger"};
}

Result<std::size_t> copy_to_day_files(Reader& reader, const DayFiles& to, std::size_t most)
{
  CONOS_TRY(auto copier, Copier::open(to));
  if (!copier.is_alone()) {
    return std::size_t{0};
  }
  std::size_t copied = 0;
  Result<> taken;
  CONOS_CHECK(reader.each_after(copier.position(), {}, [&](const Event& event) {
    taken = copied < most ? copier.take(event) : Result<>();
    copied += copied < most ? 1 : 0;
    return taken.has_value() && copied < most;
  }));
  CONOS_CHECK(taken);
  CONOS_CHECK(copier.write());
  return copied;
}

Result<std::size_t> remove_days_before(const DayFiles& from, Time time)
{
  const auto first_kept = date_stamp(time);
  std::set<std::string> days;
  for (const auto* directory : {&from.lines, &from.tables}) {
    CONOS_TRY(const auto dir, open_dir(*directory));
    CONOS_TRY(const auto names, list_names(dir, SIZE_MAX, [&](std::string_view name) {
      const auto dot = std::min(name.find('.'), name.size());
      const auto day = name.substr(0, dot);
      return is_day(day) && day < first_kept &&
             std::find(k_endings.begin(), k_endings.end(), name.substr(dot)) != k_endings.end();
    }));
    for (const auto& name : names) {
      CONOS_CHECK(remove_name(dir, name));
      days.insert(name.substr(0, name.find('.')));
    }
  }
  return days.size();
}

} // namespace conos::audit
