#pragma once

#include "audit/redact.hpp"
#include "config/door.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/secret.hpp"

#include <map>
#include <string>
#include <vector>

// The model door: what an agent's programs say in a provider's own wire format passes, with the key
// added on the far side, if the agent may and its budget reaches.
namespace conos::model {

struct DoorPlace {
  ModelDoor settings;
  std::map<std::string, std::size_t> key_of; // the place in `keys`, by provider
  std::vector<Secret> keys;
  audit::Redactor redactor;
  std::string state;   // directory of budget and bodies
  std::string current; // directory of NAME.json: what claim has given to be worked on
  std::string ledger;  // socket
};

struct DoorBounds {
  Duration idle = std::chrono::seconds(10);     // then it ends
  Duration life = std::chrono::minutes(5);      // then it ends too, when nobody is being served:
                                                // keys and settings are read when it starts
  Duration connect = std::chrono::seconds(5);   // to the provider
  Duration silence = std::chrono::seconds(120); // of a provider in the middle of an answer
  Duration call = std::chrono::minutes(30);
  unsigned connections = 64; // at once, of each socket; others wait
};

// Of the credentials systemd loaded: "settings", "secrets" and, where there is one, conos.PROVIDER.
Result<DoorPlace> door_place_of(const std::string& agent, const std::string& credentials);

// The sockets systemd listens on for us: one Unix socket, and one of TCP, which stands in the
// agent's own network. Kind::unavailable when it gave none.
Result<std::vector<UniqueFd>> door_listeners();

// Serves until nobody calls any more.
Result<> serve(DoorPlace place, std::vector<UniqueFd> listeners, const DoorBounds& bounds);

} // namespace conos::model
