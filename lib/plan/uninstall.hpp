#pragma once

#include "cli/tool.hpp"
#include "plan/place.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <functional>
#include <string>
#include <vector>

// The way of conos-bootstrap back: what it made of the machine is taken away, and what lies in it
// stays, unless somebody says otherwise.
namespace conos::plan {

enum class Data { keep, drop };

// What there is of conos on the machine. Paths are below the Place's root.
struct Remains {
  std::vector<std::string> units;     // to be stopped, in this order
  std::vector<std::string> enabled;   // those of them that are started at boot
  std::vector<Retired> agents;        // every one something is left of, without what is data
  std::vector<std::string> files;     // what bootstrap wrote beside those of agents
  std::vector<std::string> locked;    // what an administrator wrote and bootstrap made immutable
  bool has_firewall = false;          // table inet conos
  std::vector<std::string> runtime;   // of /run
  std::vector<std::string> data;      // what people and agents made, and the ledger of it
  std::vector<std::string> groups;    // of systemd-sysusers, with the users of services
  std::vector<std::string> installed; // the programs, where no package has them

  // Whether bootstrap has anything to be undone.
  bool is_provisioned() const;
};

// `manifest` is the list that an installation by hand left, one path a line; where it is not there
// a package has the programs. Changes nothing. Kind::config when the record of bootstrap cannot be
// read: nobody would know what is ours.
Result<Remains> find_remains(const Place& place, const std::string& manifest);

// In the order in which a unit may be stopped before others: what starts others goes first, what
// guards and records them last. Pure.
int stop_rank(const std::string& unit);

// The whole plan for people, and the same as one JSON document:
// {"parts":[{"name","becomes","subjects":[]}]}. Pure.
std::string text_of(const Remains& remains, Data data);
std::string json_of(const Remains& remains, Data data);

struct Uninstall {
  Data data = Data::keep;
  bool dry_run = false;
  bool json = false;       // print the plan as JSON
  bool by_package = false; // a package's own script asks, and will remove the programs itself
  std::string manifest{};  // see find_remains
};

// Shows the plan, asks `agrees`, and does it. Killed at any point, the next call goes on. With
// Data::keep the uids of agents stay on record, so that they own again what they left if conos
// comes back. Exit::no: not agreed, or, when it was only to be shown, there is something to do.
// Kind::busy while a conos-bootstrap is at work, or what an agent asked for is carried out.
Result<cli::Exit> uninstall(const Uninstall& wish, const std::function<bool()>& agrees);

} // namespace conos::plan
