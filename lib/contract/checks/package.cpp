#include "contract/checks/look.hpp"
#include "sys/text.hpp"

namespace conos::contract {

Outcome look_at_package(const Look& look)
{
  const auto& packages = look.machine.packages();
  if (!packages) {
    return Outcome::broken("dpkg's list of packages: " + packages.error().text());
  }
  const auto name = look.params().text("name");
  const auto found = packages->find(name);
  Subject subject;
  subject.name = "package '" + escaped(name, 100) + "'";
  if (found == packages->end()) {
    subject.exists = false;
  } else {
    const auto& status = found->second.status;
    subject.exists = status.ends_with(" installed");
    subject.add("status", status);
    subject.add("version", found->second.version);
  }
  return judge(look, {subject}, "installed");
}

} // namespace conos::contract
