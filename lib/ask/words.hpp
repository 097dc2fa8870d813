#pragma once

#include "ask/wire.hpp"

#include <functional>
#include <string>
#include <vector>

// A request as words of a command line, and its answer for who reads it there.
namespace conos::ask {

// "VERB KEY=VALUE… KEY@FILE…": a value is what stands behind the '=', or the text of a file, which
// `read` gives; "-" is standard input. No words at all ask for the verbs there are. Kind::usage
// when a word is neither.
Result<Request> request_of(const std::vector<std::string>& words,
  const std::function<Result<std::string>(const std::string& file)>& read);

// What is printed of an answer; it may have any text in it, and is escaped.
std::string text_of(const Answer& answer);

// Why it is not done, in one line, for standard error; empty when it is.
std::string complaint_of(const Answer& answer);

} // namespace conos::ask
