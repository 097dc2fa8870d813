#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>

namespace conos {

// The middle step (a-NAME, caged): runs the agent's program once for each task of the batch, the
// prompt on its standard input, its standard output kept as the answer; all it prints, takes and
// leaves behind is bounded. Writes drafts/ID/{response,log,exit.json}. Starts no further task a
// second after it began. Success whatever the programs returned.
//
// Between two tasks every process of this uid but ourselves is killed: Kind::denied when that uid
// is not the agent's own.
Result<> work(const Site& site, const std::string& agent);

} // namespace conos
