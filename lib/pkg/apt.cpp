#include "pkg/apt.hpp"

#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>

namespace conos::pkg {

namespace {

using Lines = std::vector<std::string_view>;

constexpr auto k_look_time = std::chrono::minutes(2);
constexpr auto k_work_time =
  std::chrono::minutes(60); // of a slow mirror; dpkg is not to be hurried
constexpr std::size_t k_out_bytes = 64U << 20U;

// --- running ------------------------------------------------------------------------------------

Command command_for(std::vector<std::string> argv)
{
  Command command;
  command.argv = std::move(argv);
  command.environment = plain_environment();
  command.environment.emplace_back("DEBIAN_FRONTEND=noninteractive");
  command.environment.emplace_back("APT_LISTCHANGES_FRONTEND=none");
  return command;
}

// "E: Unable to locate package jqq", and whatever else of it says why.
std::string trouble_in(const Ended& ended)
{
  std::string text;
  bool goes_on = false; // "dpkg: error processing package x (--configure):", and then why
  for (const auto line : split(ended.err, '\n')) {
    const bool is_error = line.starts_with("E: ") || line.starts_with("dpkg: error");
    if (is_error || goes_on) {
      const auto said = is_error ? line.substr(line.find(": ") + 2) : line;
      text += (text.empty() ? "" : goes_on ? " " : "; ") + escaped(trimmed(said), 300);
      goes_on = is_error && line.ends_with(':');
    }
  }
  if (text.empty()) { // "The following packages have unmet dependencies:" stands in the output
    const auto out = trimmed(ended.err.empty() ? ended.out : ended.err);
    text = escaped(out.substr(out.size() - std::min<std::size_t>(out.size(), 500)), 700);
  }
  return text;
}

Result<Ended> run(std::vector<std::string> argv, Duration time, int output = -1)
{
  const auto name = argv.front();
  auto command = command_for(std::move(argv));
  command.output = output;
  Bounds bounds;
  bounds.time = time;
  bounds.grace = std::chrono::minutes(2); // for dpkg to come to an end of what it is at
  bounds.out_bytes = k_out_bytes;
  CONOS_TRY(auto ended, run_command(command, bounds));
  if (ended.how == Ended::How::timeout) {
    return fail(Kind::unavailable, "{} was at work for {} and was ended", name, for_people(time));
  }
  if (ended.how != Ended::How::exited) {
    return fail(Kind::unavailable, "{} was killed", name);
  }
  return ended;
}

Result<std::string> output_of(const std::vector<std::string>& argv)
{
  CONOS_TRY(auto ended, run(argv, k_look_time));
  if (ended.status != 0) {
    return fail(Kind::unavailable, "{}: {}", argv.front(), trouble_in(ended));
  }
  return std::move(ended.out);
}

std::vector<std::string> apt_get(std::vector<std::string> options, const std::string& verb)
{
  std::vector<std::string> argv{"/usr/bin/apt-get"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), {"-o", "DPkg::Lock::Timeout=120", verb});
  return argv;
}

void add_names(std::vector<std::string>& argv, const std::vector<Wanted>& wanted)
{
  argv.emplace_back("--");
  for (const auto& one : wanted) {
    argv.push_back(to_string(one));
  }
}

// --- reading ------------------------------------------------------------------------------------

// The text between `open` and the next `close`, and what follows.
std::string_view between(std::string_view text, char open, char close)
{
  const auto begin = text.find(open);
  const auto end = begin == text.npos ? begin : text.find(close, begin);
  return end == text.npos ? std::string_view() : text.substr(begin + 1, end - begin - 1);
}

std::string_view first_word(std::string_view text)
{
  return text.substr(0, text.find(' '));
}

std::int64_t number_in(std::string_view text)
{
  std::int64_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Inst jq [1.5-1] (1.6-2.1 Debian:12.15/oldstable [amd64])
std::optional<Change> change_in(std::string_view line)
{
  Change change;
  const bool removes = line.starts_with("Remv ");
  auto rest = line.substr(5);
  change.name = first_word(rest);
  rest.remove_prefix(std::min(rest.size(), change.name.size() + 1));
  const auto former = rest.starts_with('[') ? between(rest, '[', ']') : std::string_view();
  if (removes) {
    change.what = Change::What::remove;
    change.version = former;
  } else {
    change.what = former.empty() ? Change::What::install : Change::What::upgrade;
    change.former = former;
    change.version = first_word(between(rest, '(', ')'));
  }
  return change.name.empty() || change.version.empty() ? std::nullopt : std::optional(change);
}

// A record of apt-cache: paragraphs of "Key: value".
struct Record {
  std::string_view name;
  std::string_view version;
  std::int64_t download = 0;
  std::int64_t disk = 0;
};

Record record_in(std::string_view paragraph)
{
  Record record;
  for (const auto line : split(paragraph, '\n')) {
    const auto colon = line.find(": ");
    if (colon == line.npos || line.starts_with(' ')) {
      continue;
    }
    const auto key = line.substr(0, colon);
    const auto value = line.substr(colon + 2);
    if (key == "Package") {
      record.name = value;
    } else if (key == "Version") {
      record.version = value;
    } else if (key == "Size") {
      record.download = number_in(value);
    } else if (key == "Installed-Size") {
      record.disk = number_in(value) * 1024;
    }
  }
  return record;
}

std::vector<std::string_view> paragraphs_of(std::string_view text)
{
  std::vector<std::string_view> paragraphs;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    paragraphs.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 2);
  }
  return paragraphs;
}

Result<Plan> with_sizes(Plan plan)
{
  std::vector<std::string> argv{"/usr/bin/apt-cache", "show", "--"};
  for (const auto& change : plan.changes) {
    if (change.what != Change::What::remove) {
      argv.push_back(change.name + "=" + change.version);
    }
  }
  if (argv.size() > 3) {
    CONOS_TRY(const auto records, output_of(argv));
    add_sizes(plan, records);
  }
  CONOS_TRY(const auto there, installed());
  for (auto& change : plan.changes) {
    const auto former = there.find(change.name.substr(0, change.name.find(':')));
    if (former != there.end() && change.what != Change::What::install) {
      change.disk -= former->second.disk;
    }
  }
  return plan;
}

Result<Plan> simulate(const std::vector<std::string>& argv)
{
  CONOS_TRY(const auto ended, run(argv, k_look_time));
  if (ended.status != 0) {
    const auto trouble = trouble_in(ended);
    const bool is_unknown = trouble.find("Unable to locate") != trouble.npos ||
                            trouble.find("was not found") != trouble.npos ||
                            trouble.find("no installation candidate") != trouble.npos;
    return fail(is_unknown ? Kind::not_found : Kind::unavailable, "apt: {}", trouble);
  }
  CONOS_TRY(auto plan, plan_in(ended.out));
  return with_sizes(std::move(plan));
}

Result<> carry_out(std::vector<std::string> argv)
{
  const bool is_seen = ::isatty(STDERR_FILENO) == 1;
  CONOS_TRY(const auto ended, run(std::move(argv), k_work_time, is_seen ? STDERR_FILENO : -1));
  return ended.status == 0 ? Result<>{} : fail(Kind::unavailable, "apt: {}", trouble_in(ended));
}

} // namespace

std::int64_t Plan::download() const
{
  std::int64_t sum = 0;
  for (const auto& change : changes) {
    sum += change.download;
  }
  return sum;
}

std::int64_t Plan::disk() const
{
  std::int64_t sum = 0;
  for (const auto& change : changes) {
    sum += change.disk;
  }
  return sum;
}

Result<Plan> plan_in(std::string_view simulation)
{
  Plan plan;
  for (const auto line : split(simulation, '\n')) {
    if (!line.starts_with("Inst ") && !line.starts_with("Remv ")) {
      continue;
    }
    const auto change = change_in(line);
    if (!change) {
      return fail(Kind::bad_data, "apt says '{}', which cannot be read", escaped(line, 200));
    }
    plan.changes.push_back(*change);
  }
  return plan;
}

void add_sizes(Plan& plan, std::string_view records)
{
  for (const auto paragraph : paragraphs_of(records)) {
    const auto record = record_in(paragraph);
    for (auto& change : plan.changes) {
      if (change.name.substr(0, change.name.find(':')) == record.name &&
          change.version == record.version && change.download == 0) {
        change.download = record.download;
        change.disk = record.disk;
      }
    }
  }
}

Result<AllInstalled> installed()
{
  CONOS_TRY(const auto text,
    output_of({"/usr/bin/dpkg-query", "--show",
      "--showformat=${Package}\t${Version}\t${db:Status-Status}\t${Essential}\t${Protected}\t"
      "${Priority}\t${Installed-Size}\n"}));
  AllInstalled all;
  for (const auto line : split(text, '\n')) {
    const auto parts = split(line, '\t');
    if (parts.size() == 7 && parts[2] != "not-installed" && parts[2] != "config-files") {
      all[std::string(parts[0])] = {std::string(parts[1]), parts[2] == "installed",
        parts[3] == "yes" || parts[4] == "yes" || parts[5] == "required",
        number_in(parts[6]) * 1024};
    }
  }
  return all;
}

Result<Plan> plan_install(const std::vector<Wanted>& wanted, Refresh refresh)
{
  auto argv = apt_get({"--simulate", "--no-install-recommends", "--yes"}, "install");
  add_names(argv, wanted);
  auto plan = simulate(argv);
  if (!plan && plan.error().kind == Kind::not_found && refresh == Refresh::yes) {
    log::notice("apt does not know it; its lists are read anew");
    CONOS_TRY(const auto ended, run(apt_get({"--quiet"}, "update"), k_work_time));
    if (ended.status != 0) {
      log::warning("apt: {}", trouble_in(ended));
    }
    plan = simulate(argv);
  }
  return plan;
}

Result<Plan> plan_remove(const std::vector<std::string>& names)
{
  auto argv = apt_get({"--simulate", "--yes"}, "remove");
  argv.emplace_back("--");
  argv.insert(argv.end(), names.begin(), names.end());
  return simulate(argv);
}

Result<> install(const std::vector<Wanted>& wanted)
{
  auto argv =
    apt_get({"--yes", "--quiet", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef",
              "-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Use-Pty=0"},
      "install");
  add_names(argv, wanted);
  return carry_out(std::move(argv));
}

Result<> remove(const std::vector<std::string>& names)
{
  auto argv = apt_get({"--yes", "--quiet", "-o", "Dpkg::Use-Pty=0"}, "remove");
  argv.emplace_back("--");
  argv.insert(argv.end(), names.begin(), names.end());
  return carry_out(std::move(argv));
}

Result<> finish_interrupted()
{
  CONOS_TRY(const auto trouble, output_of({"/usr/bin/dpkg", "--audit"}));
  if (trimmed(trouble).empty()) {
    return {};
  }
  log::notice("dpkg was interrupted earlier; what it left is finished first");
  const auto done =
    carry_out({"/usr/bin/dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"});
  if (!done) {
    log::warning("{}", done.error().text());
  }
  return {};
}

Result<> wait_for_dpkg()
{
  constexpr auto k_path = "/var/lib/dpkg/lock-frontend";
  const UniqueFd file(::open(k_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file) {
    return os_error("open '{}'", k_path);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  bool is_told = false;
  for (;;) {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(file.get(), F_OFD_GETLK, &lock) < 0) {
      return os_error("look at the lock '{}'", k_path);
    }
    if (lock.l_type == F_UNLCK) {
      return {};
    }
    if (std::chrono::steady_clock::now() > until) {
      return fail(Kind::busy, "another program has held '{}' for ten minutes", k_path);
    }
    if (!is_told) {
      log::notice("waiting for another apt or dpkg");
      is_told = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Result<std::vector<Found>> search(const std::string& word)
{
  CONOS_TRY(const auto text, output_of({"/usr/bin/apt-cache", "search", "--", word}));
  std::vector<Found> found;
  for (const auto line : split(text, '\n')) {
    const auto dash = line.find(" - ");
    if (dash != line.npos) {
      found.push_back({std::string(line.substr(0, dash)), std::string(line.substr(dash + 3))});
    }
  }
  return found;
}

} // namespace conos::pkg
