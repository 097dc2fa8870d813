#include "model/body.hpp"

#include "sys/file.hpp"

namespace conos::model {

namespace {

constexpr std::size_t k_longest_line = 64U << 10U;

}

Result<BodyStore> BodyStore::open(const std::string& directory, audit::Redactor redactor)
{
  CONOS_TRY(auto bodies, audit::Bodies::open(directory));
  CONOS_TRY(auto dir, open_dir(directory + "/" + audit::k_bodies));
  return BodyStore(std::move(dir), std::move(bodies), std::move(redactor));
}

void BodyWriter::write(std::string_view piece)
{
  m_line += piece;
  auto end = m_line.rfind('\n');
  if (end == m_line.npos && m_line.size() > k_longest_line) {
    end = m_line.find_last_of(" \",\\"); // not in the middle of a word, which may be a key
    end = end == m_line.npos ? m_line.size() - 1 : end;
  }
  if (end != m_line.npos) {
    put(std::string_view(m_line).substr(0, end + 1));
    m_line.erase(0, end + 1);
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

Result<std::string> BodyWriter::finish()
{
  if (!m_line.empty() || m_size == 0) {
    put(std::exchange(m_line, {}));
  }
  auto digest = m_hasher.finish();
  if (m_kept && m_size <= k_max_kept_bytes) {
    CONOS_CHECK(m_store->m_bodies.keep(m_file, digest, k_max_kept_bytes));
  }
  m_file.reset();
  return digest;
}

} // namespace conos::model
