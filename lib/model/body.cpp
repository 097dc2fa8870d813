#include "model/body.hpp"

#include "sys/file.hpp"

#include <sys/statvfs.h>

#include <cstdint>
#include <cstring>

namespace conos::model {

namespace {

constexpr std::size_t k_longest_line = 64U << 10U;
constexpr std::uint64_t k_room_bytes = 256U << 20U;

} // namespace

Result<BodyStore> BodyStore::open(const std::string& directory, audit::Redactor redactor)
{
  CONOS_TRY(auto bodies, audit::Bodies::open(directory));
  CONOS_TRY(auto dir, open_dir(directory + "/" + audit::k_bodies));
  return BodyStore(std::move(dir), std::move(bodies), std::move(redactor));
}

bool BodyStore::has_room() const
{
  struct statvfs fs = {};
  return ::fstatvfs(m_dir.get(), &fs) < 0 || fs.f_bavail * fs.f_frsize >= k_room_bytes;
}

void BodyWriter::write(std::string_view piece)
{
  const auto* newline = // rfind looks at each byte
    static_cast<const char*>(::memrchr(piece.data(), '\n', piece.size()));
  const auto end = // 0: the line goes on
    newline == nullptr ? 0 : static_cast<std::size_t>(newline - piece.data()) + 1;
  if (m_line.empty() && end > 0) {
    put(piece.substr(0, end));
  } else if (end > 0) {
    m_line += piece.substr(0, end);
    put(std::exchange(m_line, {}));
  }
  m_line += piece.substr(end);
  if (m_line.size() > k_longest_line) {
    const auto last = m_line.find_last_of(" \",\\"); // not in a word, which may be a key
    const auto cut = last == m_line.npos ? m_line.size() : last + 1;
    put(std::string_view(m_line).substr(0, cut));
    m_line.erase(0, cut);
  }
}

void BodyWriter::put(std::string_view text)
{
  const auto clean = m_store->m_redactor.redacted(text);
  m_hasher.update(clean);
  m_size += clean.size();
  if (!m_kept || m_size > k_max_kept_bytes) {
    m_file.reset();
    return;
  }
  if (!m_file) {
    auto file = nameless(m_store->m_dir, clean, 0400);
    if (file) {
      m_file = std::move(*file);
    } else {
      m_kept = tl::unexpected<Error>(file.error());
    }
    return;
  }
  m_kept = write_all(m_file, clean);
}

std::string BodyWriter::digest()
{
  if (m_digest.empty()) {
    if (!m_line.empty() || m_size == 0) {
      put(std::exchange(m_line, {}));
    }
    m_digest = m_hasher.finish();
  }
  return m_digest;
}

Result<> BodyWriter::keep()
{
  (void)digest();
  const auto file = std::exchange(m_file, UniqueFd());
  CONOS_CHECK(m_kept);
  return m_size > k_max_kept_bytes ? Result<>{}
                                   : m_store->m_bodies.keep(file, m_digest, k_max_kept_bytes);
}

Result<std::string> BodyWriter::finish()
{
  CONOS_CHECK(keep());
  return m_digest;
}

} // namespace conos::model
