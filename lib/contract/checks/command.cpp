#include "contract/checks/command.hpp"

#include "contract/load.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <re2/re2.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <thread>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_output = 1U << 20U;
constexpr std::size_t k_max_result = 64U << 10U; // of $RESULT, which has to fit into an environment
constexpr std::size_t k_data_bytes = 1U << 30U;
constexpr Duration k_grace = std::chrono::seconds(1);
constexpr uid_t k_nobody = 65534;

// --- whose it is -------------------------------------------------------------------------------

struct Runner {
  std::optional<Identity> identity; // none: as we are
  std::string home = "/";
  std::string name;
};

Result<Runner> account(const std::string& name)
{
  const passwd* entry = ::getpwnam(name.c_str()); // of one thread
  if (entry == nullptr) {
    return fail(Kind::not_found, "there is no user '{}'", escaped(name, 64));
  }
  return Runner{Identity{entry->pw_uid, entry->pw_gid}, entry->pw_dir, entry->pw_name};
}

// As root, what somebody else could have written runs as nobody.
Result<Runner> runner_of(const Look& look)
{
  const auto wanted = look.params().text("user");
  if (::geteuid() != 0) {
    if (wanted.empty()) {
      return Runner{};
    }
    CONOS_TRY(const auto other, account(wanted));
    if (other.identity->uid != ::geteuid()) {
      return fail(Kind::denied, "only root can run something as '{}'", escaped(wanted, 64));
    }
    return Runner{};
  }
  const bool is_trusted = look.contract.source.is_trusted;
  if (wanted.empty()) {
    return is_trusted ? Runner{} : Runner{Identity{k_nobody, k_nobody}, "/", "nobody"};
  }
  CONOS_TRY(auto other, account(wanted));
  if (other.identity->uid != 0) {
    return other;
  }
  if (!is_trusted) {
    return fail(Kind::denied, "'user: root' in a file that others than root can write is refused");
  }
  return Runner{};
}

std::vector<std::string> environment_of(const Look& look, const Runner& runner)
{
  // a person's own may be needed, an agent of ssh for one; root's is nobody else's business
  auto out = ::geteuid() == 0 ? plain_environment() : own_environment();
  if (::geteuid() == 0) {
    out.push_back("HOME=" + (runner.identity ? runner.home : "/root"));
    out.push_back("USER=" + (runner.identity ? runner.name : "root"));
  }
  out.push_back("CONOS_CONTRACT=" + look.contract.id);
  out.push_back("CONOS_CHECK=" + look.check.name);
  return out;
}

// --- what it is --------------------------------------------------------------------------------

bool is_plain_word(std::string_view word)
{
  constexpr std::string_view k_plain = "_./:,@%+-=";
  return !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           k_plain.find(c) != k_plain.npos;
  });
}

// Words a shell takes for itself where there may be a program of the same name, or none.
bool is_shells_own(std::string_view word)
{
  constexpr std::array<std::string_view, 40> k_own{".", ":", "alias", "bg", "break", "case", "cd",
    "command", "continue", "do", "done", "elif", "else", "esac", "eval", "exec", "exit", "export",
    "fc", "fg", "fi", "for", "getopts", "hash", "if", "jobs", "local", "read", "readonly", "return",
    "set", "shift", "then", "times", "trap", "type", "ulimit", "umask", "until", "while"};
  return std::find(k_own.begin(), k_own.end(), word) != k_own.end() || word == "unalias" ||
         word == "unset" || word == "wait" || word == "kill" || word == "echo" ||
         word.find('=') != word.npos;
}

// A text of plain words is the same program with and without a shell in between, and the shell is
// half of what it costs.
std::vector<std::string> argv_of(const std::string& text)
{
  std::vector<std::string> words;
  for (const auto word : split(text, ' ')) {
    if (!word.empty()) {
      words.emplace_back(word);
    }
  }
  const bool is_plain = !words.empty() && !is_shells_own(words.front()) &&
                        std::all_of(words.begin(), words.end(), is_plain_word) &&
                        is_program(words.front());
  return is_plain ? words : std::vector<std::string>{"/bin/sh", "-c", text};
}

Result<UniqueFd> script_file(const std::string& text)
{
  UniqueFd file(::memfd_create("script", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) {
    return os_error("make a file for the script");
  }
  CONOS_CHECK(write_all(file, text));
  // whoever it runs as could open it for writing
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0) {
    return os_error("close the script");
  }
  return file;
}

struct Prepared {
  Command command;
  UniqueFd script;
};

Result<Prepared> prepare(const Look& look)
{
  const auto& params = look.params();
  CONOS_TRY(const auto runner, runner_of(look));
  Prepared out;
  out.command.directory = look.contract.source.directory;
  out.command.environment = environment_of(look, runner);
  out.command.identity = runner.identity;
  out.command.data_bytes = k_data_bytes;
  out.command.dies_with_us = true;
  if (look.check.module->name == "command") {
    const auto words = params.texts("run");
    out.command.argv = words.empty() ? argv_of(params.text("run")) : words;
  } else if (params.has("path")) {
    const auto path = look.path("path");
    if (::geteuid() == 0 && !runner.identity && !is_roots_alone(path)) {
      return fail(
        Kind::denied, "root does not run '{}', which others can write", escaped(path, 200));
    }
    out.command.argv = {path};
  } else {
    const auto text = params.text("inline");
    CONOS_TRY(out.script, script_file(text));
    out.command.script = out.script.get();
    out.command.argv = {"/proc/self/fd/3"};
    if (!text.starts_with("#!")) {
      out.command.argv.insert(out.command.argv.begin(), "/bin/sh");
    }
  }
  return out;
}

// --- its end -----------------------------------------------------------------------------------

// The children of this process; what they leave becomes ours, as we are their subreaper.
std::vector<pid_t> own_children()
{
  std::vector<pid_t> out;
  const auto text = read_path("/proc/thread-self/children", k_max_output);
  for (const auto word : split(text ? std::string_view(*text) : std::string_view(), ' ')) {
    pid_t pid = 0;
    (void)std::from_chars(word.data(), word.data() + word.size(), pid);
    if (pid > 0) {
      out.push_back(pid);
    }
  }
  return out;
}

// Ends whatever the program left. Each round the children of those that were killed become ours.
void end_the_rest()
{
  const auto end = Clock::now() + k_grace;
  while (Clock::now() < end) {
    const pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
    if (ended < 0) {
      return; // there is nobody
    }
    if (ended == 0) {
      for (const pid_t pid : own_children()) {
        (void)::kill(pid, SIGKILL);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
}

// --- what came of it ---------------------------------------------------------------------------

std::string evidence_of(const Ended& ended)
{
  std::string out;
  const auto add = [&](std::string_view name, std::string_view text) {
    text = trimmed(text);
    if (!text.empty()) {
      out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", name,
        escaped_lines(clipped(text, k_max_evidence / 2)));
    }
  };
  add("stdout", ended.out);
  add("stderr", ended.err);
  return out;
}

Outcome judge_ended(const Look& look, const Ended& ended)
{
  const auto evidence = evidence_of(ended);
  switch (ended.how) {
  case Ended::How::timeout:
    return {Outcome::Verdict::late, "its time was up", evidence};
  case Ended::How::output_limit:
    return Outcome::broken("it printed more than 1 MiB");
  case Ended::How::signalled:
    return Outcome::bad(fmt::format("ended by signal {}", ended.status), evidence);
  case Ended::How::exited:
    break;
  }
  const auto& params = look.params();
  const std::int64_t status = ended.status;
  const auto* asserted = params.assertion("exit_code");
  const auto expected =
    asserted != nullptr ? *asserted : Assertion::equal_to(Type::integer, std::int64_t{0});
  if (!holds(expected, status)) {
    return Outcome::bad(
      fmt::format("exit code {} (expected {})", status, wanted(expected)), evidence);
  }
  const auto out = std::string(trimmed(ended.out));
  const auto err = std::string(trimmed(ended.err));
  if (const auto* pattern = params.pattern("output_matches");
      pattern != nullptr && !is_found(*pattern, out)) {
    return Outcome::bad(
      fmt::format("the output does not match '{}'", escaped(pattern->pattern(), 200)), evidence);
  }
  for (const auto& [name, text] : {std::pair("stdout", &out), std::pair("stderr", &err)}) {
    const auto* assertion = params.assertion(name);
    if (assertion != nullptr && !holds(*assertion, *text)) {
      return Outcome::bad(
        fmt::format("{} is not as it should be: {}", name, wanted(*assertion)), evidence);
    }
  }
  return Outcome::good(evidence);
}

// The older schema: what the command printed is $RESULT, and a shell's condition decides.
Outcome judge_test(const Look& look, Command command, const Bounds& bounds, const Ended& ended)
{
  command.argv = {"/bin/sh", "-c", look.params().text("test")};
  command.environment.push_back("RESULT=" + std::string(clipped(trimmed(ended.out), k_max_result)));
  const auto tested = run_command(command, bounds, end_the_rest);
  if (!tested) {
    return Outcome::broken(tested.error().text());
  }
  if (tested->how == Ended::How::timeout) {
    return Outcome::late();
  }
  const bool holds_true = tested->how == Ended::How::exited && tested->status == 0;
  return holds_true ? Outcome::good(evidence_of(ended))
                    : Outcome::bad("the test does not hold", evidence_of(ended));
}

} // namespace

bool needs_program(const Check& check)
{
  return check.module->name == "command" || check.module->name == "script";
}

Outcome run_program(const Look& look)
{
  const auto prepared = prepare(look);
  if (!prepared) {
    return Outcome::broken(prepared.error().text());
  }
  Bounds bounds;
  bounds.time = std::max(Duration(1), std::chrono::ceil<Duration>(look.deadline - Clock::now()));
  bounds.grace = k_grace;
  bounds.out_bytes = k_max_output;
  const auto ended = run_command(prepared->command, bounds, end_the_rest);
  if (!ended) {
    return Outcome::broken(ended.error().text());
  }
  if (look.params().has("test") && ended->how == Ended::How::exited) {
    return judge_test(look, prepared->command, bounds, *ended);
  }
  return judge_ended(look, *ended);
}

} // namespace conos::contract
