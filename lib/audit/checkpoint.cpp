#include "audit/checkpoint.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace conos::audit {

namespace {

constexpr std::size_t k_max_key_file = 1024;
constexpr std::string_view k_dash = "\u2014 ";

std::optional<std::int64_t> parse_size(std::string_view text)
{
  std::int64_t size = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, size);
  const bool plain = parsed.ec == std::errc() && parsed.ptr == end && text.front() != '-';
  return plain && (text == "0" || text.front() != '0') ? std::optional(size) : std::nullopt;
}

// Where the line after the next empty one begins; npos when there is none.
std::size_t after_empty_line(std::string_view text)
{
  const auto end = text.find("\n\n");
  return end == text.npos ? end : end + 2;
}

// The end of the lines of signatures that begin there.
std::size_t after_signatures(std::string_view text, std::size_t at)
{
  while (text.substr(at).starts_with(k_dash)) {
    const auto end = text.find('\n', at);
    if (end == text.npos) {
      return end;
    }
    at = end + 1;
  }
  return at;
}

// `HOST/ledger-1f2e3d4c`: no two ledgers have one key, so none have one name.
std::string ledger_name(const Digest& key)
{
  std::string host(256, 0);
  if (::gethostname(host.data(), host.size() - 1) < 0) {
    host.clear();
  }
  host.resize(host.find('\0') == host.npos ? 0 : host.find('\0'));
  return fmt::format(
    "{}/ledger-{}", is_key_name(host) ? host : "localhost", sha256_hex(bytes_of(key)).substr(0, 8));
}

Result<> write_verifier(const UniqueFd& dir, const SigningKey& key)
{
  return replace(dir, k_verifier_key, to_text(key.verifier()) + "\n", 0644);
}

Result<SigningKey> read_signing_key(const UniqueFd& dir)
{
  CONOS_TRY(const auto file, open_beneath(dir, k_signing_key));
  CONOS_TRY(const auto st, stat_of(file));
  const bool ours = st.st_uid == 0 || st.st_uid == ::geteuid();
  if (!S_ISREG(st.st_mode) || !ours || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Kind::denied, "'{}' is not a file that its owner alone can read", k_signing_key);
  }
  CONOS_TRY(const auto text, read_secret(file, k_max_key_file));
  auto key = SigningKey::parse(text.view());
  return std::move(key).map_error(during(fmt::format("'{}'", k_signing_key)));
}

} // namespace

std::string to_text(const Checkpoint& checkpoint)
{
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.rows, base64(checkpoint.root));
}

Result<Checkpoint> parse_checkpoint(std::string_view text)
{
  const auto lines = split(text, '\n');
  const auto size = lines.size() > 3 && !lines[1].empty() ? parse_size(lines[1]) : std::nullopt;
  const auto root = size ? digest_from_base64(lines[2]) : std::nullopt;
  const bool empty_line =
    lines.size() > 3 && std::any_of(lines.begin(), lines.end() - 1, [](auto line) {
      return line.empty();
    });
  if (!root || empty_line || !lines.back().empty()) {
    return fail(Kind::bad_data, "it is not a checkpoint: an origin, a number of rows, a root");
  }
  return Checkpoint{std::string(lines[0]), *size, *root};
}

Result<SignedCheckpoint> open_checkpoint(std::string_view note, const VerifierKey& key)
{
  CONOS_TRY(const auto opened, open_note(note, {key}));
  CONOS_TRY(const auto checkpoint, parse_checkpoint(opened.text));
  if (checkpoint.origin != key.name) {
    return fail(Kind::bad_data, "it is of another ledger, '{}', and not of '{}'",
      escaped(checkpoint.origin, 80), escaped(key.name, 80));
  }
  return SignedCheckpoint{checkpoint, std::string(note)};
}

Notes divide_notes(std::string_view file)
{
  Notes divided;
  while (!file.empty()) {
    const auto signatures = after_empty_line(file);
    const auto end = signatures == file.npos ? signatures : after_signatures(file, signatures);
    const bool none = end == signatures && end != file.npos && k_dash.starts_with(file.substr(end));
    if (end == file.npos || none) {
      divided.unfinished = file;
      break;
    }
    divided.notes.push_back(file.substr(0, end));
    file.remove_prefix(end);
  }
  return divided;
}

Result<> append_note(
  const UniqueFd& dir, const std::string& name, std::string_view note, Missing missing)
{
  const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
                    (missing == Missing::make ? O_CREAT : 0);
  const UniqueFd file(::openat(dir.get(), name.c_str(), flags, 0644));
  if (!file) {
    return os_error("open '{}'", name);
  }
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", name);
  }
  CONOS_TRY(const auto text, read_all(file, k_max_checkpoints_bytes));
  const auto keep = text.size() - divide_notes(text).unfinished.size();
  if (::ftruncate(file.get(), static_cast<off_t>(keep)) < 0 ||
      ::lseek(file.get(), static_cast<off_t>(keep), SEEK_SET) < 0) {
    return os_error("cut '{}'", name);
  }
  CONOS_CHECK(write_all(file, note).map_error(during(fmt::format("append to '{}'", name))));
  auto flushed = sync_file(file);
  flushed = flushed ? sync_file(dir) : std::move(flushed);
  // or the next call would find it there, and the kernel may have dropped it
  if (!flushed && ::ftruncate(file.get(), static_cast<off_t>(keep)) < 0) {
    flushed.error().what += fmt::format(", and it stays in '{}'", name);
  }
  return flushed;
}

Result<std::optional<VerifierKey>> find_verifier_key(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_verifier_key, k_max_key_file);
  if (!text && text.error().kind == Kind::not_found) {
    return std::optional<VerifierKey>();
  }
  CONOS_CHECK(text);
  auto key = parse_verifier_key(*text);
  return std::move(key)
    .map_error(during(fmt::format("'{}'", k_verifier_key)))
    .map([](VerifierKey found) {
      return std::optional(std::move(found));
    });
}

Result<SigningKey> find_signing_key(const UniqueFd& dir)
{
  CONOS_TRY(auto key, read_signing_key(dir));
  CONOS_TRY(const auto verifier, find_verifier_key(dir));
  if (!verifier) { // a crash between the two
    CONOS_CHECK(write_verifier(dir, key));
  } else if (*verifier != key.verifier()) {
    return fail(
      Kind::bad_data, "'{}' is not the public half of '{}'", k_verifier_key, k_signing_key);
  }
  return key;
}

Result<SigningKey> find_or_make_signing_key(const UniqueFd& dir)
{
  auto found = find_signing_key(dir);
  if (found || found.error().kind != Kind::not_found) {
    return found;
  }
  CONOS_TRY(const bool had_one, is_there(dir, k_verifier_key));
  if (had_one) {
    return fail(Kind::bad_data, "'{}' is gone and '{}' is there: who removed the signing key?",
      k_signing_key, k_verifier_key);
  }
  CONOS_TRY(const auto key, SigningKey::generate(ledger_name));
  auto made = publish(dir, k_signing_key, fmt::format("{}\n", key.to_text().view()), 0600);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  return find_signing_key(dir); // another may have made it meanwhile
}

} // namespace conos::audit
