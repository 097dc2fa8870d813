#include "host/acl.hpp"

#include <grp.h>
#include <sys/acl.h>

#include <memory>

namespace conos {

namespace {

struct FreeAcl {
  void operator()(void* acl) const { (void)::acl_free(acl); }
};
using Acl = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

} // namespace

std::optional<gid_t> group_id(const char* name)
{
  const group* entry = ::getgrnam(name);
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

} // namespace conos
