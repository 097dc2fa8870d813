#include "host/acl.hpp"

#include "sys/text.hpp"

#include <acl/libacl.h>
#include <grp.h>
#include <sys/acl.h>

#include <algorithm>
#include <memory>

namespace conos {

namespace {

struct FreeAcl {
  void operator()(void* acl) const { (void)::acl_free(acl); }
};
using Acl = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

} // namespace

Result<std::optional<gid_t>> group_id(const char* name)
{
  errno = 0;
  const group* entry = ::getgrnam(name);
  if (entry == nullptr && errno != 0 && errno != ENOENT && errno != ESRCH) {
    return os_error("look up group '{}'", name); // nobody could look: it may well exist
  }
  return entry != nullptr ? std::optional(entry->gr_gid) : std::nullopt;
}

Result<> let_group_read(const UniqueFd& file, gid_t group)
{
  const auto text = fmt::format("u::r--,g::r--,g:{}:r--,m::r--,o::---", group);
  const Acl acl(::acl_from_text(text.c_str()));
  if (!acl) {
    return os_error("make the ACL '{}'", text);
  }
  if (::acl_set_fd(file.get(), acl.get()) < 0) {
    return os_error("let group {} read a file", group);
  }
  return {};
}

Result<std::vector<std::string>> acl_entries(const UniqueFd& file, AclOf which, const Names& names)
{
  // by descriptor there is only the access ACL; through /proc the path cannot have been swapped
  const auto path = fmt::format("/proc/self/fd/{}", file.get());
  const Acl acl(
    ::acl_get_file(path.c_str(), which == AclOf::access ? ACL_TYPE_ACCESS : ACL_TYPE_DEFAULT));
  if (!acl) {
    return os_error("read an ACL");
  }
  const std::unique_ptr<char, FreeAcl> text(
    ::acl_to_any_text(acl.get(), nullptr, ',', TEXT_ABBREVIATE | TEXT_NUMERIC_IDS));
  if (!text) {
    return os_error("print an ACL");
  }
  std::vector<std::string> entries;
  for (const auto entry : split(text.get(), ',')) {
    if (!entry.empty()) {
      entries.push_back(names.entry_by_name(entry));
    }
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<> drop_default_acl(const std::string& directory)
{
  const bool none = ::acl_delete_def_file(directory.c_str()) == 0 || errno == ENOENT ||
                    errno == ENOTDIR || errno == EACCES; // EACCES: not a directory
  return none ? Result<>{} : os_error("drop the default ACL of '{}'", directory);
}

} // namespace conos
