#pragma once

#include "sys/error.hpp"
#include "sys/secret.hpp"

#include <functional>
#include <string>

// Questions to the person at the terminal.
namespace conos::cli {

// The question whether to go on, "apply this? [y/N]"; with `is_agreed` nobody is asked. Kind::usage
// where nobody is there to be asked, standard input being no terminal.
Result<std::function<bool()>> agreement(bool is_agreed);

// Asks for a line on the terminal that is standard input, which does not show what is typed; the
// prompt goes to standard error. However this ends, by a signal too, the terminal shows again what
// is typed. The line comes with its newline. Kind::bad_data for one that a terminal would have cut
// (4095 bytes).
Result<Secret> ask_secret(const std::string& prompt);

} // namespace conos::cli
