#pragma once

#include "pkg/package.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// Debian's packages, through apt-get(8), apt-cache(8) and dpkg(1), which are run and read.
namespace conos::pkg {

struct Change {
  enum class What { install, upgrade, remove };
  What what = What::install;
  std::string name;          // with its architecture where that is foreign: "libc6:i386"
  std::string version;       // that it will have; of a removal, that it has
  std::string former;        // of an upgrade
  std::int64_t download = 0; // bytes; a removal has none
  std::int64_t disk = 0;     // bytes more on disk; negative: fewer
};

struct Plan {
  std::vector<Change> changes; // in apt's order; empty: nothing to do

  std::int64_t download() const;
  std::int64_t disk() const;
};

// What `apt-get --simulate` prints: its lines "Inst NAME [OLD] (NEW …)" and "Remv NAME [OLD]".
// Kind::bad_data when such a line cannot be read: a plan is whole or none.
Result<Plan> plan_in(std::string_view simulation);

// Adds what `apt-cache show` and dpkg say of sizes; what is not known stays 0.
void add_sizes(Plan& plan, std::string_view records);

struct Installed {
  std::string version;
  bool is_whole = true;   // otherwise dpkg began with it and failed
  bool is_needed = false; // by the system: Essential, Protected, or of priority required
  std::int64_t disk = 0;  // bytes
};
using AllInstalled = std::map<std::string, Installed, std::less<>>;

Result<AllInstalled> installed();

// What apt would do. `refresh` reads apt's lists anew when it knows no such package.
// Kind::not_found when there is none, Kind::unavailable when apt can do it no way; the text is
// apt's own.
enum class Refresh { no, yes };
Result<Plan> plan_install(const std::vector<Wanted>& wanted, Refresh refresh);
Result<Plan> plan_remove(const std::vector<std::string>& names);

// Does it, without questions; what apt and dpkg print goes to our standard error as it comes, where
// that is a terminal. Waits two minutes for another apt. Kind::unavailable with apt's own text.
Result<> install(const std::vector<Wanted>& wanted);
Result<> remove(const std::vector<std::string>& names);

// Ends what a dpkg that was killed left half done, as far as that can be done: a package that fails
// to be set up is told of, and is in nobody else's way.
Result<> finish_interrupted();

// Until no other program holds dpkg's lock, for ten minutes at most; then Kind::busy.
Result<> wait_for_dpkg();

struct Found {
  std::string name;
  std::string purpose; // one line
};

Result<std::vector<Found>> search(const std::string& word);

} // namespace conos::pkg
