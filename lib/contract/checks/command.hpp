#pragma once

#include "contract/checks/look.hpp"

// The checks that need a program: `command` and `script`.
namespace conos::contract {

// Whether this check is made by starting a program.
bool needs_program(const Check& check);

// Runs it and judges what came of it. Only in a process of one thread that is made for this
// (checks/keeper.hpp): whatever the program leaves running is found by being this process's child.
Outcome run_program(const Look& look);

} // namespace conos::contract
