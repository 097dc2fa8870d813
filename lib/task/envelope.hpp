#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// The text of a task file, and what its sender says about it (docs/formats.md, "Task file").
namespace conos {

struct Envelope {
  std::optional<std::string> title;
  std::optional<std::string> to;
  std::optional<std::string> thread;
  std::optional<std::string> channel;
  std::optional<std::string> transport;
  std::optional<std::string> source;
  std::optional<std::string> from; // "Speaker": a name in a thread, not a sender
  std::optional<std::string> reply;
  std::optional<Time> deadline;
  std::optional<Time> not_before;
  std::optional<int> priority;
  std::map<std::string, std::string> claimed; // From, Trust, Hop, Parent: kept, and mean nothing
  std::string body;
};

// Plain text is all body; a text whose first line is "conos-task/1" has a header. Kind::bad_data
// when a header is there and wrong: a line that is no "Key: value", a value its key cannot have,
// no empty line before the body, or more than 64 lines.
Result<Envelope> parse_envelope(std::string_view text);

// The header for what is set, and the body; plain text when nothing is set and the body could not
// be mistaken for a header. parse_envelope reads back the same.
std::string to_text(const Envelope& envelope);

// Fills what the header left open from a sidecar of the reference's form, NAME.task.meta.json.
// Kind::bad_data when it is not such JSON.
Result<> add_sidecar(Envelope& envelope, std::string_view json);

} // namespace conos
