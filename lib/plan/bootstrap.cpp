#include "plan/bootstrap.hpp"

#include "config/block.hpp"
#include "config/config.hpp"
#include "plan/apply.hpp"
#include "plan/desired.hpp"
#include "plan/diff.hpp"
#include "plan/files.hpp"
#include "plan/history.hpp"
#include "plan/observe.hpp"
#include "plan/profile.hpp"
#include "plan/secrets.hpp"
#include "plan/show.hpp"
#include "plan/sources.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace conos::plan {

namespace {

constexpr std::size_t k_most_titles = 10; // of steps, in one line

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at the stream's end
}

struct Read {
  std::string text;
  std::optional<config::Config> config; // nothing: wrong, and said
};

// Of our own environment what keys of conos.toml can be said by, and nothing else.
config::Environment variables_of_keys()
{
  config::Environment variables;
  for (const auto& key : config::keys()) {
    const std::string name(key.env);
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value != nullptr) {
      variables.emplace(name, value);
    }
  }
  return variables;
}

Read checked_config(std::string text, const std::string& path)
{
  Read read;
  read.text = std::move(text);
  auto checked = config::check(read.text, variables_of_keys());
  for (const auto& finding : checked.findings) {
    const auto line = config::line_of(finding, path);
    finding.error ? log::error("{}", line) : log::warning("{}", line);
  }
  read.config = std::move(checked.config);
  return read;
}

Result<Read> read_config(const std::string& path)
{
  CONOS_TRY(auto text, read_path(path, config::k_max_config_bytes));
  return checked_config(std::move(text), path);
}

// The same from standard input, for "-".
Result<Read> read_given(const std::string& file)
{
  if (file != "-") {
    return read_config(file);
  }
  CONOS_TRY(auto text, read_all(UniqueFd(::dup(STDIN_FILENO)), config::k_max_config_bytes));
  return checked_config(std::move(text), "standard input");
}

// Not in an image, which somebody may want to copy, change or remove: there the first boot locks.
Result<CanLock> can_lock(const Place& place)
{
  if (!place.root.empty()) {
    return CanLock::unwanted;
  }
  CONOS_TRY(const auto dir, open_dir(place.root + "/etc"));
  return can_set_immutable(dir) ? CanLock::yes : CanLock::no;
}

struct Planned {
  State wanted;
  Seen seen;
  Plan plan;
  CanLock lock = CanLock::yes;
};

// What is of no use in an image: nothing runs there, and the kernel is another's.
bool is_for_running(const Step& step)
{
  return step.act == Act::reload || step.act == Act::firewall || step.act == Act::sysctls ||
         step.act == Act::start || step.act == Act::packages;
}

bool is_same_record(const Step& step)
{
  return step.act == Act::record && step.changes.front().what == k_unchanged;
}

// What a person should know whatever is done.
void add_warnings(const Sources& sources, bool prune, Plan& plan)
{
  auto warnings = sources.warnings;
  for (const auto& agent : sources.retired) {
    if (!prune) {
      warnings.push_back(fmt::format("agent '{}' is no longer configured; its user, units and data "
                                     "are left as they are until conos-bootstrap --prune",
        agent.name));
    }
  }
  plan.warnings.insert(plan.warnings.begin(), warnings.begin(), warnings.end());
}

Result<Planned> make_plan(
  const Place& place, const Read& read, CanLock lock, const Options& options)
{
  CONOS_TRY(const auto sources, read_sources(place, *read.config, read.text));
  const bool sidecar = options.sidecar || (sources.record.sidecar && !options.whole);
  Planned planned;
  planned.lock = sidecar ? CanLock::unwanted : lock;
  CONOS_TRY(
    planned.wanted, desired(*read.config, sources, {sidecar, options.prune, options.archive}));
  if (place.root.empty()) { // the key to the secrets of an image is made at its first boot
    CONOS_TRY(const auto open, find_environment(place, *read.config));
    for (const auto& secret : open) {
      planned.wanted.secrets.push_back(line_of(secret));
    }
  }
  CONOS_TRY(planned.seen, observe(place, planned.wanted));
  planned.plan = diff(planned.wanted, planned.seen, planned.lock);
  add_warnings(sources, options.prune, planned.plan);
  if (!place.root.empty()) {
    std::erase_if(planned.plan.steps, is_for_running);
    if (planned.plan.steps.size() == 1 && is_same_record(planned.plan.steps.front())) {
      planned.plan.steps.clear();
    }
  }
  return planned;
}

void warn(const Plan& plan)
{
  for (const auto& warning : plan.warnings) {
    log::warning("{}", warning);
  }
}

// Names what was done and what was not, so that nobody has to guess after a failure.
void tell_failure(const Plan& plan, std::size_t done)
{
  const auto titles = [&](std::size_t from, std::size_t to) {
    std::vector<std::string> names;
    for (auto i = from; i < to; ++i) {
      names.push_back(title_of(plan.steps[i]));
    }
    // with a thousand agents the ends are what a person needs
    if (names.size() > k_most_titles) {
      const auto middle = names.begin() + k_most_titles / 2;
      const auto last = names.end() - k_most_titles / 2;
      *middle = fmt::format("{} more", last - middle);
      names.erase(middle + 1, last);
    }
    return names.empty() ? "nothing" : join(names, ", ");
  };
  log::notice("done: {}", titles(0, done));
  log::notice("not done: {}", titles(done, plan.steps.size()));
  log::notice("once the cause is mended, conos-bootstrap goes on where it stopped");
}

Result<> carry_out(
  const Place& place, const config::Config& config, const Planned& planned, bool quiet)
{
  std::size_t done = 0;
  const auto take_in = [&]() -> Result<> {
    return take_in_environment(place, config).map([](const auto&) {
      // the plan named them
    });
  };
  auto applied =
    apply(place, planned.wanted, planned.plan, planned.lock, take_in, [&](const Step& step) {
      ++done;
      if (!quiet) {
        print(line_of(step) + "\n");
        (void)std::fflush(stdout); // a person waits; cli::run reports what could not be written
      }
    });
  if (!applied) {
    tell_failure(planned.plan, done);
  }
  return applied;
}

// What was just done must be what was wanted, or something is at work against us.
Result<> verify(const Place& place, const Read& read, CanLock lock, const Options& options)
{
  CONOS_TRY(const auto again, make_plan(place, read, lock, options));
  if (again.plan.steps.empty()) {
    return {};
  }
  const auto& change = again.plan.steps.front().changes.front();
  return fail(Kind::os, "not all of it holds: '{}' still needs: {}", change.subject, change.what);
}

Result<cli::Exit> run(const Place& place, const Read& read, const Options& options)
{
  CONOS_TRY(const auto lock, can_lock(place));
  CONOS_TRY(const auto planned, make_plan(place, read, lock, options));
  warn(planned.plan);
  switch (options.tell) {
  case Tell::wanted:
    print(options.json ? json_of(planned.wanted) : yaml_of(planned.wanted));
    return cli::Exit::ok;
  case Tell::report:
    print(options.json ? json_report_of(planned.plan, planned.wanted)
                       : report_of(planned.plan, planned.wanted));
    return planned.plan.steps.empty() ? cli::Exit::ok : cli::Exit::no;
  case Tell::plan:
  case Tell::deeds:
    break;
  }
  if (options.json) {
    print(json_of(planned.plan));
  }
  if (planned.plan.steps.empty()) {
    print(options.json ? "" : "nothing to do\n");
    return cli::Exit::ok;
  }
  if (options.tell == Tell::plan) {
    CONOS_TRY(const auto text, text_of(planned.plan, planned.wanted, planned.seen));
    print(options.json ? "" : text);
    return cli::Exit::no;
  }
  for (const auto& obstacle : planned.plan.obstacles) {
    log::error("{}", obstacle);
  }
  if (!planned.plan.obstacles.empty()) {
    log::error("nothing was changed");
    return cli::Exit::config;
  }
  CONOS_CHECK(carry_out(place, *read.config, planned, options.json));
  auto holds = verify(place, read, lock, options);
  if (!holds) {
    tell_failure(planned.plan, planned.plan.steps.size());
    return tl::unexpected<Error>(during("look at what was done")(holds.error()));
  }
  return cli::Exit::ok;
}

Result<> need_root()
{
  return ::geteuid() == 0
           ? Result<>{}
           : fail(Kind::denied, "only root can set up the machine; checking a file needs no root");
}

// The new text in the old one's place, between unlocking and the run that locks it again.
Result<> put_config(const Place& place, const std::string& old, const std::string& text)
{
  CONOS_TRY(const auto kept, keep_version(place, old));
  log::notice("the former conos.toml is kept as {}", kept);
  CONOS_CHECK(unlock_file(place, k_config_path));
  CONOS_TRY(const auto etc, open_dir(place.site.etc));
  CONOS_TRY(const auto st, stat_at(etc, "conos.toml"));
  return replace_alone(etc, "conos.toml", text, st.st_mode & 07777U, {st.st_uid, st.st_gid});
}

Result<cli::Exit> change_config(
  const Place& place, const Read& read, const Options& options, const std::function<bool()>& agrees)
{
  if (!read.config) {
    log::error("nothing was changed");
    return cli::Exit::config;
  }
  CONOS_TRY(const auto old, read_path(place.root + k_config_path, config::k_max_config_bytes));
  CONOS_TRY(const auto lock, can_lock(place));
  CONOS_TRY(const auto planned, make_plan(place, read, lock, options));
  warn(planned.plan);
  CONOS_TRY(const auto lines, diff_of(k_config_path, old, read.text));
  CONOS_TRY(const auto steps, text_of(planned.plan, planned.wanted, planned.seen));
  print(options.json ? json_of(planned.plan) : escaped_lines(lines) + steps);
  if (old == read.text && planned.plan.steps.empty()) {
    print(options.json ? "" : "nothing to do\n");
    return cli::Exit::ok;
  }
  if (options.tell == Tell::plan || !agrees()) {
    return cli::Exit::no;
  }
  CONOS_CHECK(old == read.text ? Result<>{} : put_config(place, old, read.text));
  auto done = run(place, read, options);
  if (!done) {
    log::notice("'conos config rollback' brings the former conos.toml back");
  }
  return done;
}

// Who edits by hand can come back too. What cannot be kept keeps nobody from editing.
void keep_before_editing(const Place& place)
{
  const auto keep = [&]() -> Result<> {
    CONOS_TRY(const auto now, read_path(place.root + k_config_path, config::k_max_config_bytes));
    CONOS_TRY(const auto names, list_versions(place));
    if (!names.empty()) {
      CONOS_TRY(const auto newest, read_version(place, names.front()));
      if (newest == now) {
        return {};
      }
    }
    return keep_version(place, now).map([](const auto&) {
      // rollback takes the newest that is not what is there
    });
  };
  if (const auto kept = keep(); !kept) {
    log::warning("conos.toml as it is now is not kept for a rollback: {}", kept.error().text());
  }
}

Result<cli::Exit> unlock(const Place& place)
{
  keep_before_editing(place);
  config::Config nobody;
  CONOS_TRY(auto sources, read_sources(place, nobody, ""));
  std::erase_if(sources.locked, [](const std::string& path) {
    return !path.starts_with("/etc/"); // what is compiled is nobody's to edit
  });
  for (const auto& path : sources.locked) {
    CONOS_CHECK(unlock_file(place, path));
  }
  print(fmt::format("{} files below /etc/conos can be edited; conos-bootstrap applies them and "
                    "locks them again\n",
    sources.locked.size()));
  return cli::Exit::ok;
}

// Where the configuration is read from. A profile that is only looked at stays where it is.
Result<std::string> find_config(Place& place, const Options& options)
{
  if (!options.config.empty()) {
    return options.config;
  }
  const auto config = place.site.etc + "/conos.toml";
  if (!options.profile.empty()) {
    CONOS_TRY(const auto profile, profile_path(place, options.profile));
    if (options.tell != Tell::deeds || options.check_only) {
      place.etc = profile;
      return profile + "/conos.toml";
    }
    CONOS_CHECK(copy_profile(place, profile));
    print(options.json ? "" : fmt::format("{:<24} /etc/conos, from {}\n", "profile", profile));
  } else if (const char* elsewhere = std::getenv("CONOS_CONFIG");
             elsewhere != nullptr && *elsewhere != '\0' && place.root.empty()) {
    return elsewhere;
  } else if (::access(config.c_str(), F_OK) < 0 && errno == ENOENT) {
    return fail(Kind::config,
      "there is no '{}'; 'conos-bootstrap --profile default' begins with the profile in "
      "/usr/share/conos/profiles/default, copied to /etc/conos",
      config);
  }
  return config;
}

} // namespace

Result<UniqueFd> only_one(const Place& place)
{
  const auto path = place.root + "/run/conos-bootstrap.lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open the lock '{}'", path);
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0) {
    return errno == EWOULDBLOCK ? fail(Kind::busy, "another conos-bootstrap is at work")
                                : os_error("take the lock '{}'", path);
  }
  return file;
}

Result<cli::Exit> replace_config(
  const std::string& file, const Options& options, const std::function<bool()>& agrees)
{
  const Place place(options.root);
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto lock, only_one(place));
  CONOS_TRY(const auto read, read_given(file));
  return change_config(place, read, options, agrees);
}

Result<cli::Exit> edit_config(const std::function<Result<std::string>(const std::string&)>& edit,
  const Options& options, const std::function<bool()>& agrees)
{
  const Place place(options.root);
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto lock, only_one(place));
  CONOS_TRY(const auto now, read_path(place.root + k_config_path, config::k_max_config_bytes));
  CONOS_TRY(auto text, edit(now));
  return change_config(place, checked_config(std::move(text), k_config_path), options, agrees);
}

Result<cli::Exit> add_agent(
  const std::string& file, const Options& options, const std::function<bool()>& agrees)
{
  const Place place(options.root);
  CONOS_CHECK(need_root());
  std::optional<UniqueFd> lock;
  if (!options.check_only) {
    CONOS_TRY(lock, only_one(place));
  }
  CONOS_TRY(const auto block, read_path(file, config::k_max_config_bytes));
  CONOS_TRY(const auto old, read_path(place.root + k_config_path, config::k_max_config_bytes));
  CONOS_TRY(const auto added, config::add_agent(old, block, variables_of_keys()));
  for (const auto& finding : added.findings) {
    const auto line = (finding.error ? "" : "warning: ") + finding.text + "\n";
    options.check_only ? print(line) : (void)std::fputs(line.c_str(), stderr);
  }
  if (options.check_only || !added.is_good) {
    return added.is_good ? cli::Exit::ok : cli::Exit::config;
  }
  return change_config(place, checked_config(added.text, k_config_path), options, agrees);
}

Result<cli::Exit> restore_config(
  const std::string& name, const Options& options, const std::function<bool()>& agrees)
{
  const Place place(options.root);
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto lock, only_one(place));
  CONOS_TRY(const auto now, read_path(place.root + k_config_path, config::k_max_config_bytes));
  CONOS_TRY(const auto names,
    name.empty() ? list_versions(place) : Result<std::vector<std::string>>({name}));
  for (const auto& version : names) {
    CONOS_TRY(auto text, read_version(place, version));
    if (text != now || !name.empty()) {
      return change_config(place, checked_config(std::move(text), version), options, agrees);
    }
  }
  return fail(Kind::not_found, "there is no earlier version of conos.toml");
}

Result<cli::Exit> bootstrap(const Options& options)
{
  Place place(options.root);
  CONOS_CHECK(options.check_only ? Result<>{} : need_root());
  if (options.unlock_only) {
    CONOS_TRY(const auto lock, only_one(place));
    return unlock(place);
  }
  std::optional<UniqueFd> lock;
  if (!options.check_only) {
    CONOS_TRY(lock, only_one(place));
  }
  CONOS_TRY(const auto path, find_config(place, options));
  CONOS_TRY(const auto read, read_config(path));
  if (!read.config) {
    log::error("nothing was changed");
    return cli::Exit::config;
  }
  return options.check_only ? Result<cli::Exit>(cli::Exit::ok) : run(place, read, options);
}

} // namespace conos::plan
