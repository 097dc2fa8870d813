#pragma once

#include "audit/bodies.hpp"
#include "audit/redact.hpp"
#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace conos::model {

// Where doors leave the bodies of calls, `directory`/cas; root's steps carry them to the ledger's.
class BodyStore
{
public:
  // Makes `cas` in `directory`, which is there.
  static Result<BodyStore> open(const std::string& directory, audit::Redactor redactor);

  const audit::Redactor& redactor() const { return m_redactor; }

private:
  friend class BodyWriter;
  BodyStore(UniqueFd dir, audit::Bodies bodies, audit::Redactor redactor)
      : m_dir(std::move(dir))
      , m_bodies(std::move(bodies))
      , m_redactor(std::move(redactor))
  {
  }
  UniqueFd m_dir;
  audit::Bodies m_bodies;
  audit::Redactor m_redactor;
};

constexpr std::size_t k_max_kept_bytes = 64U << 20U; // a larger body is named by its digest only

// One body, written as it passes, with secrets taken out; line by line, so little is kept.
class BodyWriter
{
public:
  explicit BodyWriter(const BodyStore& store)
      : m_store(&store)
  {
  }

  void write(std::string_view piece);

  // The digest of what was written, 64 hex digits; from now on that is its name in the store. What
  // could not be kept has its digest all the same.
  Result<std::string> finish();

  std::size_t size() const { return m_size; }

private:
  void put(std::string_view text);

  const BodyStore* m_store;
  std::string m_line;
  UniqueFd m_file;
  audit::Hasher m_hasher;
  std::size_t m_size = 0;
  Result<> m_kept;
};

} // namespace conos::model
