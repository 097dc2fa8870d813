#pragma once

#include "artifact/artifact.hpp"
#include "artifact/link.hpp"
#include "audit/ledger.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

// Where artifacts are: ID.json, and content/SHA256 for as many of them as have the same.
namespace conos::artifact {

inline const std::string k_place = "artifacts";         // in /srv/conos
inline const std::string k_keys_file = "artifact.keys"; // in /var/lib/conos, root's alone

constexpr std::size_t k_max_content_bytes = 1U << 30U;

class Store
{
public:
  // `directory` is /srv/conos/artifacts, which bootstrap makes. Kind::denied for who may not look.
  static Result<Store> open(const std::string& directory);

  // Hears all that is known of one when only names are missing, before anybody can see it and while
  // nobody else adds or clears any: the place for its row. When it has an error nothing is kept.
  using Agree = std::function<Result<>(const Artifact&)>;

  // Keeps what `content` gives to its end, and says what is known of it: size, digest and, where
  // `artifact` names no type, its type. Whole or not at all, durably. Kind::bad_data when there is
  // nothing, or more than `most` bytes.
  Result<Artifact> add(Artifact artifact, const UniqueFd& content, const Agree& agree,
    std::size_t most = k_max_content_bytes) const;

  // Kind::not_found, Kind::usage when `id` is none.
  Result<Artifact> get(const std::string& id) const;
  // As they were made. One that cannot be read is said to `trouble`.
  Result<std::vector<Artifact>> all(const std::function<void(const Error&)>& trouble) const;

  // Its content, checked against its digest when `check`.
  Result<UniqueFd> content(const Artifact& artifact) const;

  // Changes what is known of one; others who change it at the same time wait.
  Result<Artifact> change(
    const std::string& id, const std::function<Result<>(Artifact&)>& change) const;

  struct Cleared {
    std::vector<std::string> artifacts; // ids
    std::size_t contents = 0;
    std::size_t bytes = 0;
  };
  // What has ended before `before`, and the contents nobody has any more.
  Result<Cleared> clear(Time before, bool only_look) const;

private:
  explicit Store(UniqueFd dir, UniqueFd contents)
      : m_dir(std::move(dir))
      , m_contents(std::move(contents))
  {
  }
  Result<UniqueFd> hold() const;
  Result<UniqueFd> nameless_record(const Artifact& artifact) const;
  Result<> name_both(
    const UniqueFd& content, const UniqueFd& record, const Artifact& artifact) const;
  UniqueFd m_dir;
  UniqueFd m_contents;
};

// The row that says that it was made, and by whom.
audit::Row created_row(const Artifact& artifact);

// The keys in `directory`, /var/lib/conos; a first one is made where there is none.
Result<std::vector<Key>> find_or_make_keys(const std::string& directory);
// A new one to sign with; of the others at most `keep` go on to verify. Returns all there are now.
Result<std::vector<Key>> rotate_keys(const std::string& directory, std::size_t keep);

} // namespace conos::artifact
