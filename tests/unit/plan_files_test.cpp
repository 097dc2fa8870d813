#include "temp_dir.hpp"

#include "host/acl.hpp"
#include "host/immutable.hpp"
#include "plan/files.hpp"
#include "plan/instructions.hpp"
#include "plan/profile.hpp"
#include "plan/repairs.hpp"
#include "plan/tables.hpp"
#include "plan_sample.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace conos;
using namespace conos::plan;

namespace {

// A machine in a directory, whose root is whoever runs the test.
struct TempMachine {
  TempMachine()
      : place(dir.path)
  {
    accounts.users = {{"root", ::geteuid(), ::getegid(), "/root", ""}};
    accounts.groups = {{"root", ::getegid(), {}}};
  }

  void write(const std::string& path, const std::string& text)
  {
    File file;
    file.path = path;
    file.content = text;
    REQUIRE(write_file(place, file, accounts, Lock::no));
  }

  std::string read(const std::string& path) const
  {
    return read_path(place.root + path, 1U << 20U).value_or("(none)");
  }

  TempDir dir;
  Place place;
  Accounts accounts;
};

} // namespace

TEST_CASE("a file is written with its mode, and missing directories with it", "[plan][files]")
{
  TempMachine machine;
  File file;
  file.path = "/etc/systemd/system/conos-x.service.d/10-tier.conf";
  file.content = "[Service]\n";
  file.mode = 0640;

  REQUIRE(write_file(machine.place, file, machine.accounts, Lock::no));

  CHECK(machine.read(file.path) == "[Service]\n");
  struct stat st = {};
  REQUIRE(::stat((machine.dir.path + file.path).c_str(), &st) == 0);
  CHECK((st.st_mode & 07777U) == 0640U);
}

TEST_CASE("a symlink in the place of a file is replaced, not followed", "[plan][files]")
{
  TempMachine machine;
  machine.write("/etc/precious", "precious");
  const auto link = machine.dir.path + "/etc/file";
  REQUIRE(::symlink((machine.dir.path + "/etc/precious").c_str(), link.c_str()) == 0);

  machine.write("/etc/file", "new");

  CHECK(machine.read("/etc/precious") == "precious");
  CHECK(machine.read("/etc/file") == "new");
}

TEST_CASE("an unknown owner is refused before anything is written", "[plan][files]")
{
  TempMachine machine;
  File file;
  file.path = "/etc/x";
  file.content = "";
  file.group = "a-nobody";

  const auto written = write_file(machine.place, file, machine.accounts, Lock::no);

  REQUIRE_FALSE(written);
  CHECK_THAT(written.error().what, Catch::Contains("there is no group 'a-nobody'"));
  CHECK(machine.read("/etc/x") == "(none)");
}

TEST_CASE("a locked file is rewritten and removed by us and by nobody else", "[plan][files]")
{
  TempMachine machine;
  if (!can_set_immutable(machine.dir.fd)) {
    WARN("no immutable flag here; nothing to try");
    return;
  }
  File file;
  file.path = "/etc/conos-x";
  file.content = "one";
  file.immutable = true;
  REQUIRE(write_file(machine.place, file, machine.accounts, Lock::yes));
  const auto path = machine.dir.path + file.path;
  CHECK(::unlink(path.c_str()) < 0);

  file.content = "two";
  REQUIRE(write_file(machine.place, file, machine.accounts, Lock::yes));
  CHECK(machine.read(file.path) == "two");
  CHECK(::unlink(path.c_str()) < 0);

  REQUIRE(unlock_file(machine.place, file.path));
  REQUIRE(lock_file(machine.place, file.path));
  REQUIRE(remove_file(machine.place, file.path));
  CHECK(machine.read(file.path) == "(none)");
  CHECK(remove_file(machine.place, file.path)); // absent is success
}

TEST_CASE("an ACL reads as it is written in the tables", "[plan][tables]")
{
  TempDir dir;
  REQUIRE(::fchmod(dir.fd.get(), 01730) == 0);
  CHECK(acl_entries(dir.fd, AclOf::access, Names({})).value() == acl_of_mode(01730));
  CHECK(acl_entries(dir.fd, AclOf::fallback, Names({})).value().empty());
}

TEST_CASE("the accounts of a machine are read, what is none passed over", "[host][accounts]")
{
  TempMachine machine;
  machine.write("/etc/passwd",
    "root:x:0:0:root:/root:/bin/bash\nbad line\na-x:x:70000:70001::/home/"
    "a-x:/usr/sbin/nologin\nb:x:y:1:::\n");
  machine.write("/etc/group", "agents:x:980:a-x,a-y\nempty:x:981:\nbad\n");

  const auto accounts = read_accounts(machine.place.root);

  REQUIRE(accounts);
  REQUIRE(accounts->users.size() == 2);
  CHECK(accounts->user("a-x")->uid == 70000);
  CHECK(accounts->user(uid_t{70000})->gid == 70001);
  CHECK(accounts->is_listed("a-y", "agents"));
  CHECK_FALSE(accounts->is_listed("a-x", "empty"));
  CHECK(accounts->group("empty")->members.empty());
  CHECK(read_accounts("/nonexistent").value().users.empty());
}

TEST_CASE("instructions are put together in their order", "[plan][instructions]")
{
  TempMachine machine;
  for (const auto* layer : {"base", "groups/g", "roles/r", "scopes/s", "agents/one"}) {
    machine.write(
      std::string("/etc/conos/") + layer + "/AGENTS.md", std::string("\n ") + layer + "\n\n");
  }
  const auto agent = config_of("[[agents]]\nname = \"one\"\nroles = [\"r\", \"none\"]\n"
                               "groups = [\"g\"]\nscopes = [\"s\", \"/data\"]\n"
                               "instructions = \"own\"\n")
                       .agents[0];
  std::vector<std::string> warnings;

  const auto text = assemble_instructions(machine.place.etc, agent, warnings);

  REQUIRE(text);
  CHECK(*text == "base\n\n---\n\ngroups/g\n\n---\n\nroles/r\n\n---\n\nscopes/s\n\n---\n\nagents/one"
                 "\n\n---\n\nown\n");
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("/roles/none'"));
}

TEST_CASE("instructions that cannot be used are an error", "[plan][instructions]")
{
  const auto agent = config_of("[[agents]]\nname = \"one\"\n").agents[0];
  std::vector<std::string> warnings;
  {
    TempMachine machine;
    machine.write("/etc/conos/base/AGENTS.md", "\xff");
    CHECK_FALSE(assemble_instructions(machine.place.etc, agent, warnings));
  }
  {
    TempMachine machine;
    machine.write("/etc/conos/base/AGENTS.md", std::string(k_max_instructions_bytes, 'x'));
    CHECK_FALSE(assemble_instructions(machine.place.etc, agent, warnings));
  }
  {
    TempMachine machine;
    machine.write("/etc/conos/base/x", "");
    REQUIRE(::symlink("/etc/passwd", (machine.place.etc + "/base/AGENTS.md").c_str()) == 0);
    CHECK_FALSE(assemble_instructions(machine.place.etc, agent, warnings));
  }
  CHECK(warnings.empty());
}

TEST_CASE("an agent nobody wrote instructions for is named", "[plan][instructions]")
{
  TempMachine machine;
  const auto agent = config_of("[[agents]]\nname = \"one\"\n").agents[0];
  std::vector<std::string> warnings;
  CHECK(assemble_instructions(machine.place.etc, agent, warnings).value() == "\n");
  CHECK(warnings.size() == 1);
}

TEST_CASE("a profile is copied once, and nothing there is replaced", "[plan][profile]")
{
  TempMachine machine;
  machine.write("/usr/share/conos/profiles/p/conos.toml", "# p\n");
  machine.write("/usr/share/conos/profiles/p/agents/x/AGENTS.md", "x");
  machine.write("/usr/share/conos/profiles/p/base/AGENTS.md", "shipped");
  machine.write("/etc/conos/base/AGENTS.md", "mine");

  const auto from = profile_path(machine.place, "p");
  REQUIRE(from);
  REQUIRE(copy_profile(machine.place, *from));

  CHECK(machine.read("/etc/conos/conos.toml") == "# p\n");
  CHECK(machine.read("/etc/conos/agents/x/AGENTS.md") == "x");
  CHECK(machine.read("/etc/conos/base/AGENTS.md") == "mine");
  CHECK(copy_profile(machine.place, *from).error().kind == Kind::exists);
  const auto unknown = profile_path(machine.place, "q");
  REQUIRE_FALSE(unknown);
  CHECK_THAT(unknown.error().what, Catch::Contains("there are: p"));
  CHECK_FALSE(profile_path(machine.place, "../p"));
}

TEST_CASE("what cannot be looked for is not taken for absent", "[plan][files]")
{
  TempMachine machine;
  machine.write("/etc/file", "there");

  CHECK(is_there(machine.place, "/etc/file").value());
  CHECK_FALSE(is_there(machine.place, "/etc/other").value());
  CHECK_FALSE(is_there(machine.place, "/etc/file/below").value());
  CHECK_FALSE(is_there(machine.place, "/etc/" + std::string(300, 'x')).value());
  REQUIRE(::symlink("loop", (machine.dir.path + "/etc/loop").c_str()) == 0);
  CHECK_FALSE(is_there(machine.place, "/etc/loop/below"));
}

TEST_CASE("repairs are kept for whoever comes after a crash", "[plan][repairs]")
{
  TempMachine machine;
  machine.write("/var/lib/conos/there", "");
  std::vector<Repair> repairs{
    {{"drift.repaired", "root/conos-bootstrap", "{}", ""}, "directories", "/a", "mode"},
    {{"drift.repaired", "root/conos-bootstrap", "{}", ""}, "directories", "/b", "mode"}};
  REQUIRE(read_repairs(machine.place).value().empty());

  REQUIRE(keep_repairs(machine.place, repairs));
  const auto kept = read_repairs(machine.place);

  REQUIRE(kept);
  REQUIRE(kept->size() == 2);
  CHECK(kept->at(1).subject == "/b");
  CHECK(kept->at(1).row.payload == "{}");
  CHECK(kept->at(0).row.key == repairs[0].row.key); // appended twice, it is there once
  CHECK(kept->at(0).row.key != kept->at(1).row.key);
  REQUIRE(forget_repairs(machine.place));
  REQUIRE(forget_repairs(machine.place));
  CHECK(read_repairs(machine.place).value().empty());
}

TEST_CASE("a repair the plan has still to do as it stands was not begun", "[plan][repairs]")
{
  const Repair same{{}, "directories", "/same", "mode"};
  const Repair half{{}, "directories", "/half", "mode, owner"};
  const Repair done{{}, "directories", "/done", "mode"};
  Plan plan;
  plan.steps = {{Act::directories, "", {{"/same", "mode", "", 0}, {"/half", "owner", "", 1}}}};

  const auto left = begun({same, half, done}, plan);

  REQUIRE(left.size() == 2);
  CHECK(left[0].subject == "/half");
  CHECK(left[1].subject == "/done");
}

TEST_CASE("repairs that cannot be read stop the run", "[plan][repairs]")
{
  TempMachine machine;
  machine.write("/var/lib/conos/repairs.json", "[{}]");

  const auto kept = read_repairs(machine.place);

  REQUIRE_FALSE(kept);
  CHECK(kept.error().kind == Kind::config);
}
