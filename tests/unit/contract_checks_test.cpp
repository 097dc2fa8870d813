#include "contract/checks/look.hpp"
#include "contract/checks/paths.hpp"
#include "contract_site.hpp"

#include <unistd.h>

#include <cstdlib>

using namespace conos;
using namespace conos::contract;

TEST_CASE("a file is held against what is asserted of it", "[contract][file]")
{
  ContractSite site;
  const auto path = site.file("f.conf", "hello\n");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);

  CHECK(site.passes("file: { path: f.conf, mode: '0640', type: file, size: 6, links: 1 }"));
  CHECK(site.passes("file: { path: '*.conf', mode: { at_most: '0644' } }"));
  CHECK(site.passes("file: { path: f.conf, sha256: "
                    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 }"));
  CHECK(site.outcome("file: { path: f.conf, mode: '0600' }") ==
        fmt::format("fail: '{}': mode is 0640, should be 0600", path));
  CHECK(site.fails("file: { path: nowhere }"));
  CHECK(site.passes("file: { path: nowhere, exists: false }"));
  CHECK(site.fails("file: { path: f.conf, exists: false }"));
  CHECK(site.fails("file: { path: '*.nothing' }"));
  CHECK(site.passes("file: { path: '*.nothing', if_none: pass }"));
  CHECK(site.row("file: { path: '*.nothing', if_none: skip }").status == Status::skip);
  REQUIRE(::symlink("f.conf", (site.path + "/link").c_str()) == 0);
  CHECK(site.passes("file: { path: link, target: f.conf, type: symlink }"));
  CHECK(site.passes("file: { path: link, type: file }"));
}

TEST_CASE("a tree is counted", "[contract][tree]")
{
  ContractSite site;
  REQUIRE(::mkdir((site.path + "/t").c_str(), 0755) == 0);
  REQUIRE(::mkdir((site.path + "/t/sub").c_str(), 0755) == 0);
  (void)site.file("t/a.md", "x");
  (void)site.file("t/sub/b.md", "-----BEGIN RSA PRIVATE KEY-----");

  CHECK(site.passes("tree: { path: t, names: ['*.md'], count: 2 }"));
  CHECK(site.passes("tree: { path: t, names: ['*.md'], depth: 1, count: 1 }"));
  CHECK(site.passes("tree: { path: t, exclude: [sub], type: file, count: 1 }"));
  const auto row = site.row("tree: { path: t, pattern: 'BEGIN [A-Z ]*PRIVATE KEY' }");
  CHECK(row.status == Status::fail);
  CHECK(row.evidence.find("/t/sub/b.md") != std::string::npos);
  CHECK(site.fails("tree: { path: nowhere }"));
}

TEST_CASE("paths are there, or not", "[contract][path]")
{
  ContractSite site;
  (void)site.file("f", "");
  CHECK(site.passes("path_exists: { path: f, type: file }"));
  CHECK(site.fails("path_exists: { path: f, type: directory }"));
  CHECK(site.fails("path_exists: { path: g }"));
  CHECK(site.passes("path_not_exists: { path: 'g*' }"));
  CHECK(site.fails("path_not_exists: { path: 'f*' }"));
}

TEST_CASE("patterns are found line by line", "[contract][regex]")
{
  ContractSite site;
  (void)site.file("c.conf", "a 1\nPermitRootLogin no\n");
  CHECK(site.passes("regex_in_file: { path: c.conf, pattern: '^PermitRootLogin no$' }"));
  CHECK(site.fails("regex_in_file: { path: c.conf, pattern: '^Login' }"));
  CHECK(site.passes("no_regex_in_file: { path: c.conf, pattern: 'yes$' }"));
  CHECK(site.outcome("no_regex_in_file: { path: c.conf, pattern: 'no$' }").find("line 2: Permit") !=
        std::string::npos);
  CHECK(site.fails("regex_in_file: { path: nowhere, pattern: x }"));
}

TEST_CASE(
  "a scope says which files are looked into, and a file can be let off", "[contract][regex]")
{
  ContractSite site;
  (void)site.file("a.txt", "TODO\n# @contract:S:exempt:we know\n");
  (void)site.file("b.txt", "fine\n");
  site.contract("S",
    "  - name: a\n    no_regex_in_file: { pattern: TODO }\n    on_fail: require_exemption\n",
    "scope: { paths: ['*.txt'], exclude: ['b.*'] }\n");
  CHECK(row_of(site.run(), "S/a").status == Status::exempt);
  (void)site.file("c.txt", "TODO\n");
  CHECK(row_of(site.run(), "S/a").status == Status::fail);
}

TEST_CASE("values in documents", "[contract][document]")
{
  ContractSite site;
  (void)site.file("d.json", R"({"servers":[{"port":443,"name":"a"},{"port":8443}],"on":true})");
  (void)site.file("d.yaml.txt", "a: { b: [x, y] }\nn: &n 3\nm: *n\n");
  (void)site.file("d.toml", "[a]\nb = 3\nc = \"t\"\n");

  CHECK(site.passes("json_key: { path: d.json, key: 'servers[0].port', equals: 443 }"));
  CHECK(
    site.passes("json_key: { path: d.json, key: 'servers[*].port', value: { at_least: 443 } }"));
  CHECK(site.fails("json_key: { path: d.json, key: 'servers[*].port', value: { less: 8000 } }"));
  CHECK(site.passes("json_key: { path: d.json, key: servers, length: 2 }"));
  CHECK(site.passes("json_key: { path: d.json, key: on, value: true }"));
  CHECK(site.fails("json_key: { path: d.json, key: off }"));
  CHECK(site.passes("json_key: { path: d.json, key: off, exists: false }"));
  CHECK(site.passes("yaml_key: { path: d.yaml.txt, key: 'a.b[1]', equals: y }"));
  CHECK(site.passes("yaml_key: { path: d.yaml.txt, key: a.b, value: { contains: x } }"));
  CHECK(site.passes("yaml_key: { path: d.yaml.txt, key: m, equals: 3 }"));
  CHECK(site.passes("toml_key: { path: d.toml, key: a.b, value: 3 }"));
  CHECK(site.fails("toml_key: { path: d.toml, key: a.c, matches: '^x' }"));
  CHECK(site.fails("json_key: { path: d.toml, key: a.c }")); // not JSON
}

TEST_CASE("variables and programs", "[contract][environment]")
{
  ContractSite site;
  REQUIRE(::setenv("CONOS_TEST_VALUE", "sk-secret", 1) == 0);
  CHECK(site.passes("env_var: { name: CONOS_TEST_VALUE, matches: '^sk-' }"));
  const auto outcome = site.outcome("env_var: { name: CONOS_TEST_VALUE, equals: other }");
  CHECK(outcome.starts_with("fail"));
  CHECK(outcome.find("secret") == std::string::npos);
  CHECK(site.fails("no_env_var: { name: CONOS_TEST_VALUE }"));
  CHECK(site.passes("no_env_var: { name: CONOS_TEST_VALUE, matches: '^x' }"));
  REQUIRE(::unsetenv("CONOS_TEST_VALUE") == 0);
  CHECK(site.passes("no_env_var: { name: CONOS_TEST_VALUE }"));
  CHECK(site.fails("env_var: { name: CONOS_TEST_VALUE }"));
  CHECK(site.passes("command_available: { name: sh }"));
  CHECK(site.fails("command_available: { name: no-such-program }"));
}

TEST_CASE("accounts, memory, load, parameters, mounts", "[contract][machine]")
{
  ContractSite site;
  CHECK(site.passes("user: { name: root, uid: 0, groups: { contains: root } }"));
  CHECK(site.fails("user: { name: no-such-user }"));
  CHECK(site.passes("group: { name: root, gid: 0 }"));
  CHECK(site.passes("memory: { available: { at_least: 0% }, available_bytes: { greater: 1M } }"));
  CHECK(site.fails("memory: { available: { greater: 100% } }"));
  CHECK(site.passes("load: { one: { at_least: 0 }, per_core: { less: 10000 } }"));
  CHECK(site.passes("sysctl: { name: kernel.pid_max, value: { greater: 100 } }"));
  CHECK(site.fails("sysctl: { name: kernel.no_such, value: 1 }"));
  CHECK(site.passes("sysctl: { name: kernel.no_such, exists: false }"));
  CHECK(site.row("sysctl: { name: ../../etc/passwd, value: 1 }").status == Status::error);
  CHECK(site.passes("mount: { path: /proc, filesystem: proc }"));
  CHECK(site.fails("mount: { path: /nowhere-mounted }"));
  CHECK(site.passes("mount: { path: /, free_bytes: { at_least: 0 } }"));
  CHECK(site.fails("mount: { path: /, free: { greater: 100% } }"));
}

TEST_CASE("processes by name, arguments and account", "[contract][process]")
{
  ContractSite site;
  const auto pattern = fmt::format("unit-contract");
  CHECK(site.passes("process: { pattern: " + pattern + ", count: { at_least: 1 } }"));
  CHECK(site.fails("process: { name: no-such-process }"));
  CHECK(site.passes("process: { name: no-such-process, exists: false }"));
  CHECK(site.passes("process: { name: no-such-process, count: 0 }"));
  CHECK(site.fails("process: { pattern: " + pattern + ", oldest: { greater: 1w } }"));
}

TEST_CASE("rights of a user count the mask and the way", "[contract][acl]")
{
  Rights rights;
  rights.mode = 0100660;
  rights.uid = 1;
  rights.gid = 2;
  rights.group_bits = 6;
  rights.named = {{false, 10, 7}, {true, 20, 7}};
  rights.mask = 4;

  CHECK(bits_of(rights, 1, {}) == 6);       // the owner, not masked
  CHECK(bits_of(rights, 10, {20}) == 4);    // named, masked; groups do not count then
  CHECK(bits_of(rights, 11, {20}) == 4);    // by a named group
  CHECK(bits_of(rights, 11, {2, 20}) == 4); // by the owning group
  CHECK(bits_of(rights, 11, {3}) == 0);     // others

  ContractSite site;
  CHECK(site.passes("acl: { path: /etc/passwd, user: nobody, rights: r-- }"));
  CHECK(site.fails("acl: { path: /etc/passwd, user: nobody, rights: { contains: w } }"));
  CHECK(site.passes("acl: { path: /etc/passwd, user: root, rights: rw- }"));
  CHECK(site.row("acl: { path: /etc, user: no-such-user, rights: r-x }").status == Status::error);
  CHECK(site.fails("acl: { path: /nowhere, user: nobody, rights: r-x }"));
}

TEST_CASE("a file is exposed by the rights of its directory", "[contract][paths]")
{
  struct stat file = {};
  struct stat directory = {};
  directory.st_mode = S_IFDIR | 0755;
  CHECK_FALSE(is_exposed(file, directory));
  directory.st_mode = S_IFDIR | 0775;
  CHECK(is_exposed(file, directory));
  directory.st_mode = S_IFDIR | 01777;
  CHECK_FALSE(is_exposed(file, directory)); // sticky
  directory.st_uid = 1000;
  CHECK(is_exposed(file, directory)); // whose it is may always
  file.st_uid = 1000;
  CHECK_FALSE(is_exposed(file, directory));
}

TEST_CASE("what dpkg, the kernel and nft print is read", "[contract][machine]")
{
  const auto packages = packages_in("Package: a\nStatus: install ok installed\nVersion: 1.0-2\n"
                                    "Description: x\n Package: no\n\nPackage: b\n"
                                    "Status: deinstall ok config-files\nVersion: 2\n\n");
  CHECK(packages.size() == 2);
  CHECK(packages.at("a").version == "1.0-2");
  CHECK(packages.at("b").status == "deinstall ok config-files");

  const auto sockets = sockets_in(
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    "   0: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 1\n"
    "   1: 0100007F:0C39 00000000:0000 01 00000000:00000000 00:00000000 00000000  1000  0 1\n",
    false);
  REQUIRE(sockets.size() == 1);
  CHECK(sockets[0].port == 3128);
  CHECK(sockets[0].address == "127.0.0.1");
  CHECK(sockets[0].uid == 1000);

  const auto mounts =
    mounts_in("36 35 98:0 / /mnt\\040x rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].path == "/mnt x");
  CHECK(mounts[0].filesystem == "ext3");

  const auto memory = memory_in("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 50 kB\n");
  CHECK(memory.available * 2 == memory.total);

  const auto table =
    table_in("table inet conos {\n\tset s {\n\t\ttype uid\n\t\telements = { 1 }\n\t}\n"
             "\tchain output {\n\t\ttype filter hook output priority filter; "
             "policy accept;\n\t\tmeta skuid 70000-79999 counter packets 5 bytes 300 "
             "drop\n\t}\n}\n");
  CHECK(table.chains == std::vector<std::string>{"output"});
  REQUIRE(table.rules.size() == 1);
  CHECK(table.rules[0].packets == 5);
  CHECK(table.rules[0].bytes == 300);
}
