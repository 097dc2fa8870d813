#pragma once

#include "sys/address.hpp"

#include <string>
#include <vector>

// Which addresses the door connects to: those of the public internet, and the networks somebody
// named. What is not known to be public is not: a name that leads into the machine, its neighbours
// or a tunnel to them is the oldest way past an allowlist of names.
namespace conos::egress {

// Why not; empty: it may. An address with another one in it (mapped, translated, tunnelled) is
// where that one is, so both must be allowed.
std::string objection(const Address& address, const std::vector<Network>& named);

// Whether the machine has this address itself, as the kernel would route it. Nothing is sent.
bool is_our_own(const Address& address);

} // namespace conos::egress
