#pragma once

#include "config/egress_door.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <vector>

// The egress door: what an agent's programs ask of the web passes, if the agent may go there.
namespace conos::egress {

struct DoorPlace {
  EgressDoor settings;
  std::string state;   // directory of the journal
  std::string current; // directory of NAME.json: what claim has given to be worked on
  std::string ledger;  // socket
};

struct DoorBounds {
  Duration head = std::chrono::seconds(10);     // from the first byte of a connection to its last
  Duration reach = std::chrono::seconds(10);    // to look a name up and connect
  Duration reach_one = std::chrono::seconds(3); // to connect to one of several addresses
  Duration hello = std::chrono::seconds(10);    // for the ClientHello behind a CONNECT
  Duration silence = std::chrono::minutes(5);   // with nothing moving either way
  Duration life = std::chrono::hours(1);        // of a connection
  Duration farewell = std::chrono::seconds(2);  // until a client has read why it was refused
  Duration idle = std::chrono::seconds(10);     // without connections; then the door ends
  std::size_t connections = 128;                // at once; others wait
  double connections_each_second = 50;          // in the long run; others wait
  double connections_in_a_burst = 200;
  double denials_each_second = 5; // that get a row each; the rest is counted
  double denials_in_a_burst = 50;
  std::int64_t backlog = 10'000; // rows the ledger has not got; then nothing passes any more
};

// Of the credential "settings" that systemd loaded. Kind::config when it is not this agent's.
Result<DoorPlace> door_place_of(const std::string& agent, const std::string& credentials);

// Serves until nobody is there any more, or SIGTERM.
Result<> serve(DoorPlace place, std::vector<UniqueFd> listeners, const DoorBounds& bounds);

} // namespace conos::egress
