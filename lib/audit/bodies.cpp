#include "audit/bodies.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

namespace conos::audit {

namespace {

constexpr mode_t k_mode = 0400;

// There already is as good as kept.
Result<> unless_there(Result<> kept)
{
  return !kept && kept.error().kind == Kind::exists ? Result<>{} : kept;
}

// What is kept again is as young as what names it now, or remove_older() would take it away.
void renew(const UniqueFd& dir, const std::string& name)
{
  (void)::utimensat(dir.get(), name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW); // else it goes sooner
}

} // namespace

Result<Bodies> Bodies::open(const std::string& directory)
{
  CONOS_TRY(const auto ledger, open_dir(directory));
  auto dir = open_dir_at(ledger, k_bodies);
  if (!dir && dir.error().kind == Kind::not_found) {
    CONOS_CHECK(unless_there(make_dir(ledger, k_bodies, 0700)));
    dir = open_dir_at(ledger, k_bodies);
  }
  return std::move(dir).map([](UniqueFd fd) {
    return Bodies(std::move(fd));
  });
}

Result<> Bodies::keep(const UniqueFd& file, const std::string& sha256_hex, std::size_t limit) const
{
  CONOS_TRY(const bool there, is_there(m_dir, sha256_hex));
  if (there) {
    renew(m_dir, sha256_hex);
    return {};
  }
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "not a file");
  }
  if (st.st_uid == ::geteuid()) { // what is somebody else's may still be written to
    auto named = unless_there(give_name(file, m_dir, sha256_hex));
    if (named || named.error().err != EXDEV) {
      return named;
    }
  }
  CONOS_TRY(const auto bytes, read_all(file, limit));
  CONOS_TRY(const auto copy, nameless(m_dir, bytes, k_mode));
  return unless_there(give_name(copy, m_dir, sha256_hex));
}

Result<std::string> Bodies::put(std::string_view bytes) const
{
  auto digest = sha256_hex(bytes);
  CONOS_TRY(const auto file, nameless(m_dir, bytes, k_mode));
  const auto kept = give_name(file, m_dir, digest);
  if (!kept && kept.error().kind == Kind::exists) {
    renew(m_dir, digest);
    return digest;
  }
  CONOS_CHECK(kept);
  return digest;
}

Result<std::string> Bodies::get(const std::string& sha256_hex, std::size_t limit) const
{
  if (!digest_from_hex(sha256_hex)) {
    return fail(Kind::bad_data, "'{}' is no SHA-256", escaped(sha256_hex));
  }
  CONOS_TRY(auto bytes, read_file(m_dir, sha256_hex, limit));
  if (audit::sha256_hex(bytes) != sha256_hex) {
    return fail(Kind::bad_data, "what is kept as {} is something else", sha256_hex);
  }
  return bytes;
}

Result<std::size_t> Bodies::remove_older(Time time) const
{
  CONOS_TRY(const auto names, list_names(m_dir, SIZE_MAX, [](std::string_view name) {
    return digest_from_hex(name).has_value();
  }));
  std::size_t removed = 0;
  for (const auto& name : names) {
    CONOS_TRY(const auto st, stat_at(m_dir, name));
    if (time_of(st.st_mtim) < time) {
      CONOS_CHECK(remove_name(m_dir, name));
      ++removed;
    }
  }
  return removed;
}

} // namespace conos::audit
