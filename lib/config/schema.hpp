#pragma once

#include <string>

namespace conos::config {

// A JSON Schema (draft-07) of conos.toml for editors, such as those that use taplo: JSON of several
// lines, with each key's type, bounds, fallback, example and description. What the reader accepts
// is valid, but for an empty text in place of a choice, which only older files have. The reader is
// stricter: it alone knows times, patterns and which agents there are.
std::string json_schema();

} // namespace conos::config
