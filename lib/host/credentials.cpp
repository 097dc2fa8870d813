#include "host/credentials.hpp"

#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

namespace conos {

namespace {

constexpr std::size_t k_max_names = 10'000;
const std::string k_directory = "credstore.encrypted";

// Without the newline that echo(1) and the Enter key put at the end.
std::string_view body_of(const Secret& secret)
{
  auto text = secret.view();
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  return text;
}

bool is_missing(const Error& error)
{
  return error.kind == Kind::not_found;
}

// Not through a symlink, and not where somebody else could put another in the place of ours.
Result<UniqueFd> open_store(const Credstore& store)
{
  CONOS_TRY(const auto etc, open_dir(store.root + "/etc"));
  CONOS_TRY(auto dir, open_dir_at(etc, k_directory));
  CONOS_TRY(const auto st, stat_of(dir));
  if (st.st_uid != ::geteuid() || (st.st_mode & 022U) != 0) {
    return fail(Kind::denied, "others can write to '/etc/{}'", k_directory);
  }
  return dir;
}

Result<UniqueFd> make_store(const Credstore& store)
{
  auto dir = open_store(store);
  if (dir || !is_missing(dir.error())) {
    return dir;
  }
  CONOS_TRY(const auto etc, open_dir(store.root + "/etc"));
  const auto made = make_dir(etc, k_directory, 0700);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  CONOS_CHECK(sync_file(etc));
  return open_store(store);
}

// One writer at a time, so that what a killed one left can be told from what is being written.
Result<> lock_store(const UniqueFd& dir)
{
  if (::flock(dir.get(), LOCK_EX) < 0) {
    return os_error("lock '/etc/{}'", k_directory);
  }
  return remove_unfinished(dir);
}

// What it prints, or why there is nothing.
Result<std::string> run_creds(const Command& command)
{
  auto ended = run_command(command, {});
  if (!ended) {
    auto error = ended.error();
    error.kind = is_missing(error) ? Kind::unavailable : error.kind;
    return tl::unexpected<Error>(error);
  }
  if (ended->how != Ended::How::exited || ended->status != 0) {
    return fail(Kind::unavailable, "{} failed: {}", command.argv.front(),
      escaped(trimmed(ended->err).empty() ? "it says nothing" : trimmed(ended->err)));
  }
  return std::move(ended->out);
}

Result<std::string> encrypted(
  const Credstore& store, const std::string& name, std::string_view secret)
{
  CONOS_TRY(const auto input, memory_file(secret));
  Command command;
  command.argv = {store.program, "encrypt", "--name=" + store.prefix + name, "-", "-"};
  command.environment = plain_environment();
  command.input = input.get();
  CONOS_TRY(auto text, run_creds(command));
  if (text.empty()) {
    return fail(Kind::unavailable, "{} printed nothing", store.program);
  }
  return text;
}

Result<Secret> decrypted(const Credstore& store, const std::string& name, std::string_view text)
{
  CONOS_TRY(const auto input, memory_file(text));
  CONOS_TRY(const auto output, memory_file(""));
  Command command;
  command.argv = {store.program, "decrypt", "--name=" + store.prefix + name, "-", "-"};
  command.environment = plain_environment();
  command.input = input.get();
  command.output = output.get();
  CONOS_CHECK(run_creds(command));
  if (::lseek(output.get(), 0, SEEK_SET) < 0) {
    return os_error("rewind a file in memory");
  }
  return read_secret(output, k_max_secret_bytes);
}

Result<std::string> read_credential(const Credstore& store, const std::string& name)
{
  constexpr std::size_t k_max_file_bytes = 1U << 20U;
  CONOS_TRY(const auto dir, open_store(store));
  return read_file(dir, store.prefix + name, k_max_file_bytes);
}

} // namespace

Result<> check_credential_name(std::string_view name)
{
  constexpr std::size_t k_longest = 64;
  constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyz";
  const auto strange = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-");
  if (name.empty() || name.size() > k_longest || strange != std::string_view::npos ||
      k_letters.find(name.front()) == std::string_view::npos) {
    return fail(Kind::usage,
      "'{}' cannot be a secret's name: small letters, digits, '.', '_' and '-', beginning with a "
      "letter, at most {}",
      escaped(name, 80), k_longest);
  }
  return {};
}

Result<> check_secret(const Secret& secret)
{
  const auto body = body_of(secret);
  if (body.empty()) {
    return fail(Kind::bad_data, "the secret is empty");
  }
  if (body.size() > k_max_secret_bytes) {
    return fail(Kind::bad_data, "the secret is larger than {} bytes", k_max_secret_bytes);
  }
  if (body.find('\0') != std::string_view::npos) {
    return fail(Kind::bad_data, "the secret has a NUL byte in it");
  }
  return {};
}

Result<> store_credential(const Credstore& store, const std::string& name, const Secret& secret)
{
  CONOS_CHECK(check_credential_name(name));
  CONOS_CHECK(check_secret(secret));
  const auto purpose = during("keep the secret '" + name + "'");
  CONOS_TRY(const auto text, encrypted(store, name, body_of(secret)).map_error(purpose));
  CONOS_TRY(const auto dir, make_store(store).map_error(purpose));
  CONOS_CHECK(lock_store(dir).map_error(purpose));
  return replace(dir, store.prefix + name, text, 0600).map_error(purpose);
}

bool credential_is(const Credstore& store, const std::string& name, const Secret& secret)
{
  const auto text = read_credential(store, name);
  const auto held = text ? decrypted(store, name, *text) : fail(Kind::not_found, "there is none");
  return held && held->view() == body_of(secret);
}

Result<std::vector<Credential>> list_credentials(const Credstore& store)
{
  const auto dir = open_store(store);
  if (!dir) {
    return is_missing(dir.error()) ? Result<std::vector<Credential>>()
                                   : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(const auto names, list_names(*dir, k_max_names, [&](std::string_view name) {
    return name.starts_with(store.prefix) &&
           check_credential_name(name.substr(store.prefix.size()));
  }));
  std::vector<Credential> found;
  for (const auto& name : names) {
    const auto st = stat_at(*dir, name); // it may be gone by now
    if (st && S_ISREG(st->st_mode)) {
      found.push_back({name.substr(store.prefix.size()), time_of(st->st_mtim),
        static_cast<std::size_t>(st->st_size)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Credential& a, const Credential& b) {
    return a.name < b.name;
  });
  return found;
}

Result<> remove_credential(const Credstore& store, const std::string& name)
{
  CONOS_CHECK(check_credential_name(name));
  const auto file = store.prefix + name;
  const auto purpose = during("remove the secret '" + name + "'");
  const auto dir = open_store(store);
  if (!dir && !is_missing(dir.error())) {
    return tl::unexpected<Error>(purpose(dir.error()));
  }
  if (!dir || !exists_at(*dir, file)) {
    return fail(Kind::not_found, "there is no secret '{}'", name);
  }
  CONOS_CHECK(lock_store(*dir).map_error(purpose));
  CONOS_CHECK(remove_name(*dir, file).map_error(purpose));
  return sync_file(*dir).map_error(purpose);
}

} // namespace conos
