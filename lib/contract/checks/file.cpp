#include "sys/file.hpp"
#include "audit/sha256.hpp"
#include "contract/checks/paths.hpp"
#include "host/immutable.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <linux/capability.h>
#include <re2/re2.h>
#include <sys/capability.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_content = 16U << 20U; // of a file that is searched
constexpr std::size_t k_max_hashed = 64U << 20U;
constexpr int k_usual_depth = 16;

std::string quoted(const std::string& path)
{
  return "'" + escaped(path, 200) + "'";
}

// Regular files only: a FIFO would keep us waiting, a device might do anything.
Result<std::string> content(const std::string& path, std::size_t limit)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open {}", quoted(path));
  }
  CONOS_TRY(const auto status, stat_of(file));
  if (!S_ISREG(status.st_mode)) {
    return fail(Kind::bad_data, "{} is not a regular file", quoted(path));
  }
  return read_all(file, limit).map_error(during("read " + quoted(path)));
}

Result<bool> is_immutable(const std::string& path)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file) {
    return errno == ELOOP ? Result<bool>(false) : os_error("open {}", quoted(path));
  }
  CONOS_TRY(const auto flag, immutable_flag(file));
  return flag == Immutable::yes;
}

// The names of the capabilities a file gives to who runs it; none without.
Result<std::vector<std::string>> capabilities(const std::string& path)
{
  const std::unique_ptr<std::remove_pointer_t<cap_t>, decltype(&::cap_free)> caps(
    ::cap_get_file(path.c_str()), &::cap_free);
  if (!caps) {
    const bool is_none = errno == ENODATA || errno == EOPNOTSUPP;
    return is_none ? Result<std::vector<std::string>>(std::vector<std::string>{})
                   : os_error("read the capabilities of {}", quoted(path));
  }
  std::vector<std::string> out;
  for (cap_value_t cap = 0; cap <= ::cap_max_bits(); ++cap) {
    cap_flag_value_t permitted = CAP_CLEAR;
    if (::cap_get_flag(caps.get(), cap, CAP_PERMITTED, &permitted) != 0 || permitted != CAP_SET) {
      continue;
    }
    const std::unique_ptr<char, decltype(&::cap_free)> name(::cap_to_name(cap), &::cap_free);
    out.emplace_back(name.get());
  }
  return out;
}

Value target_of(const std::string& path)
{
  std::array<char, PATH_MAX> target{};
  const auto got = ::readlink(path.c_str(), target.data(), target.size());
  return got < 0 ? Value() : Value(std::string(target.data(), static_cast<std::size_t>(got)));
}

std::int64_t age_of(const struct stat& status)
{
  const auto age = now() - time_of(status.st_mtim);
  return std::max<std::int64_t>(0, std::chrono::duration_cast<Duration>(age).count());
}

Result<> add_dear_facts(const Look& look, const std::string& path, Subject& subject)
{
  if (look.asks("sha256")) {
    CONOS_TRY(const auto text, content(path, k_max_hashed));
    subject.add("sha256", audit::sha256_hex(text));
  }
  if (look.asks("immutable")) {
    CONOS_TRY(const bool flag, is_immutable(path));
    subject.add("immutable", flag);
  }
  if (look.asks("capability")) {
    CONOS_TRY(auto names, capabilities(path));
    subject.add("capability", std::move(names));
  }
  if (look.asks("target")) {
    subject.add("target", target_of(path));
  }
  return {};
}

Result<Subject> subject_of(const Look& look, const std::string& path)
{
  Subject subject;
  subject.name = quoted(path);
  const bool follows =
    !look.asks("target") && (!look.params().has("follow") || look.params().flag("follow"));
  struct stat status = {};
  if (::fstatat(AT_FDCWD, path.c_str(), &status, follows ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      subject.exists = false;
      return subject;
    }
    return os_error("look at {}", quoted(path));
  }
  subject.add("type", std::string(type_of(status.st_mode)));
  subject.add("mode", std::int64_t{status.st_mode & 07777});
  subject.add("size", std::int64_t{status.st_size});
  subject.add("links", static_cast<std::int64_t>(status.st_nlink));
  if (look.asks("owner")) {
    subject.add("owner", look.machine.user_name(status.st_uid));
  }
  if (look.asks("group")) {
    subject.add("group", look.machine.group_name(status.st_gid));
  }
  if (look.asks("age")) {
    subject.add("age", age_of(status));
  }
  if (look.asks("exposed")) {
    struct stat directory = {};
    if (::stat(parent_of(path).c_str(), &directory) < 0) {
      return os_error("look at {}", quoted(parent_of(path)));
    }
    subject.add("exposed", is_exposed(status, directory));
  }
  CONOS_CHECK(add_dear_facts(look, path, subject));
  return subject;
}

Result<std::vector<Subject>> subjects_of(const Look& look)
{
  CONOS_TRY(const auto paths, expand(look, look.path("path")));
  std::vector<Subject> out;
  for (const auto& path : paths) {
    if (look.is_late()) {
      return fail(Kind::busy, "its time was up");
    }
    CONOS_TRY(auto subject, subject_of(look, path));
    out.push_back(std::move(subject));
  }
  return out;
}

Outcome failed(const Error& error)
{
  return error.kind == Kind::busy ? Outcome::late() : Outcome::broken(error.text());
}

// --- tree --------------------------------------------------------------------------------------

bool is_among(const std::vector<std::string>& patterns, const std::string& name)
{
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

class Counting
{
public:
  explicit Counting(const Look& look)
      : m_look(look)
      , m_names(look.params().texts("names"))
      , m_exclude(look.params().texts("exclude"))
  {
  }

  Result<> below(const std::string& top)
  {
    const auto depth = static_cast<int>(m_look.params().number("depth", k_usual_depth));
    const auto enter = [&](std::string_view name) {
      return !is_among(m_exclude, std::string(name));
    };
    CONOS_CHECK(walk(m_look, top, depth, enter, [&](const Visited& visited) {
      judge(visited);
    }));
    return m_trouble;
  }

  std::int64_t count() const { return m_count; }
  const Findings& found() const { return m_found; }

private:
  bool asserted(std::string_view key, const Value& seen) const
  {
    const auto* assertion = m_look.params().assertion(key);
    return assertion == nullptr || holds(*assertion, seen);
  }

  void judge(const Visited& visited)
  {
    const auto& status = visited.status;
    const auto name = visited.path.substr(visited.path.rfind('/') + 1);
    const bool fits =
      (m_names.empty() || is_among(m_names, name)) &&
      asserted("type", std::string(type_of(status.st_mode))) &&
      asserted("mode", std::int64_t{status.st_mode & 07777}) &&
      asserted("size", std::int64_t{status.st_size}) &&
      (!m_look.asks("owner") || asserted("owner", m_look.machine.user_name(status.st_uid))) &&
      (!m_look.asks("group") || asserted("group", m_look.machine.group_name(status.st_gid))) &&
      asserted("exposed", is_exposed(status, visited.directory)) &&
      (!m_look.asks("immutable") || has_flag(visited)) && is_lacking(visited) &&
      has_pattern(visited);
    if (fits) {
      ++m_count;
      m_found.add(quoted(visited.path));
    }
  }

  bool has_flag(const Visited& visited)
  {
    if (!S_ISREG(visited.status.st_mode) && !S_ISDIR(visited.status.st_mode)) {
      return asserted("immutable", false);
    }
    const auto flag = is_immutable(visited.path);
    if (!flag) {
      note(flag.error());
    }
    return flag && asserted("immutable", *flag);
  }

  bool is_lacking(const Visited& visited)
  {
    const auto name = m_look.params().text("lacks");
    if (name.empty()) {
      return true;
    }
    if (!S_ISDIR(visited.status.st_mode)) {
      return false;
    }
    struct stat status = {};
    return ::lstat((visited.path + "/" + name).c_str(), &status) < 0;
  }

  bool has_pattern(const Visited& visited)
  {
    const auto* pattern = m_look.params().pattern("pattern");
    if (pattern == nullptr) {
      return true;
    }
    if (!S_ISREG(visited.status.st_mode)) {
      return false;
    }
    const auto text = content(visited.path, k_max_content);
    if (!text) {
      note(text.error());
    }
    return text && is_found(*pattern, *text);
  }

  // What cannot be looked at is not clean; what is gone is.
  void note(const Error& error)
  {
    if (m_trouble && error.kind != Kind::not_found) {
      m_trouble = tl::unexpected(error);
    }
  }

  const Look& m_look;
  std::vector<std::string> m_names;
  std::vector<std::string> m_exclude;
  std::int64_t m_count = 0;
  Findings m_found;
  Result<> m_trouble;
};

// --- patterns in files -------------------------------------------------------------------------

std::string line_of(std::string_view text, std::size_t at)
{
  const auto begin = text.rfind('\n', at == 0 ? 0 : at - 1);
  const auto start = begin == text.npos || at == 0 ? 0 : begin + 1;
  const auto end = std::min(text.find('\n', at), text.size());
  const auto number =
    std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return fmt::format(
    "line {}: {}", number + 1, escaped(text.substr(start, end > start ? end - start : 0), 160));
}

// The line in which a pattern is found; where it is costs a second pass.
std::string place_of(std::string_view text, const re2::RE2& pattern)
{
  re2::StringPiece found;
  const re2::StringPiece all(text.data(), text.size());
  (void)pattern.Match(all, 0, all.size(), RE2::UNANCHORED, &found, 1); // it was found before
  return line_of(text, static_cast<std::size_t>(found.data() - all.data()));
}

std::string exemption_in(const std::string& path, const std::string& id)
{
  const auto text = content(path, k_max_content);
  const auto mark = "@contract:" + id + ":exempt:";
  const auto at = text ? text->find(mark) : std::string::npos;
  if (at == std::string::npos) {
    return "";
  }
  const auto rest = std::string_view(*text).substr(at + mark.size());
  return escaped(trimmed(rest.substr(0, rest.find('\n'))), 200);
}

Outcome none_to_look_into(const Look& look)
{
  if (look.params().has("path") || look.params().has("if_none")) {
    return judge_files(look, std::vector<Subject>{});
  }
  return Outcome::bad("no file is in the scope");
}

enum class Wanted { found, absent };

// Where a file may excuse itself, all of what is wrong with it has to be excused.
Outcome excused(const Look& look, const std::vector<std::string>& bad, const Findings& findings)
{
  if (bad.empty() || !look.check.on_fail.has(Action::require_exemption)) {
    return findings.outcome();
  }
  std::string reasons;
  for (const auto& path : bad) {
    const auto reason = exemption_in(path, look.contract.id);
    if (reason.empty()) {
      return findings.outcome();
    }
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  return {Outcome::Verdict::exempt, "exempt: " + reasons, ""};
}

Outcome look_for(const Look& look, Wanted wanted)
{
  const auto& pattern = *look.params().pattern("pattern");
  const auto paths = paths_of(look);
  if (!paths) {
    return failed(paths.error());
  }
  if (paths->empty()) {
    return none_to_look_into(look);
  }
  Findings findings;
  std::vector<std::string> bad;
  for (const auto& path : *paths) {
    if (look.is_late()) {
      return Outcome::late();
    }
    const auto text = content(path, k_max_content);
    if (!text && text.error().kind == Kind::not_found) {
      findings.add("there is no " + quoted(path));
      continue;
    }
    if (!text) {
      return failed(text.error());
    }
    const bool found = is_found(pattern, *text);
    if (found != (wanted == Wanted::found)) {
      findings.add(
        quoted(path) + ": " + (found ? place_of(*text, pattern) : "the pattern is not found"));
      bad.push_back(path);
    }
  }
  return excused(look, bad, findings);
}

} // namespace

Outcome look_at_file(const Look& look)
{
  return judge_files(look, subjects_of(look));
}

Outcome look_at_tree(const Look& look)
{
  const auto tops = expand(look, look.path("path"));
  if (!tops) {
    return failed(tops.error());
  }
  if (tops->empty()) {
    return judge_files(look, std::vector<Subject>{});
  }
  Counting counting(look);
  for (const auto& top : *tops) {
    const auto done = counting.below(top);
    if (!done && done.error().kind == Kind::not_found && tops->size() == 1) {
      const auto if_none = look.params().text("if_none");
      const auto message = "there is no " + quoted(top);
      return if_none == "pass"   ? Outcome::good()
             : if_none == "skip" ? Outcome::skipped(message)
                                 : Outcome::bad(message);
    }
    if (!done && done.error().err != ENOTDIR) {
      return failed(done.error());
    }
  }
  const auto* asserted = look.params().assertion("count");
  const auto assertion =
    asserted != nullptr ? *asserted : Assertion::equal_to(Type::integer, std::int64_t{0});
  if (holds(assertion, counting.count())) {
    return Outcome::good(fmt::format("count is {}", counting.count()));
  }
  const auto found = counting.found().outcome();
  const auto seen = found.evidence.empty() ? found.message : found.evidence;
  return Outcome::bad(
    fmt::format("count is {}, should be {}", counting.count(), wanted(assertion)), seen);
}

Outcome look_for_path(const Look& look)
{
  const auto paths = expand(look, look.path("path"));
  if (!paths) {
    return failed(paths.error());
  }
  if (paths->empty()) {
    return Outcome::bad("nothing matches " + quoted(look.params().text("path")));
  }
  const auto type = look.params().text("type");
  Findings findings;
  for (const auto& path : *paths) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) < 0) {
      if (errno != ENOENT && errno != ENOTDIR) {
        return Outcome::broken(os_error("look at {}", quoted(path)).value().text());
      }
      findings.add("there is no " + quoted(path));
    } else if (!type.empty() && type_of(status.st_mode) != type) {
      findings.add(
        fmt::format("{} is a {}, should be a {}", quoted(path), type_of(status.st_mode), type));
    }
  }
  return findings.outcome();
}

Outcome look_for_no_path(const Look& look)
{
  const auto paths = expand(look, look.path("path"));
  if (!paths) {
    return failed(paths.error());
  }
  Findings findings;
  for (const auto& path : *paths) {
    struct stat status = {};
    if (::lstat(path.c_str(), &status) == 0) {
      findings.add(quoted(path) + " is there");
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return Outcome::broken(os_error("look at {}", quoted(path)).value().text());
    }
  }
  return findings.outcome();
}

Outcome look_for_pattern(const Look& look)
{
  return look_for(look, Wanted::found);
}

Outcome look_for_no_pattern(const Look& look)
{
  return look_for(look, Wanted::absent);
}

} // namespace conos::contract
