#pragma once

#include "task/find.hpp"

#include <string>

// Tasks as text for people and as JSON for programs. What others wrote is escaped in both.
namespace conos {

// A table with a heading; a line in brackets says what is missing from it.
std::string table_of(const TaskList& list, Time now);

// One object a line.
std::string json_lines_of(const TaskList& list);

// One task with all that is known of it, where it is, and its answer if it has one.
std::string describe(const FoundTask& task, const Result<std::string>& response, Time now);

// Its record (receipt or meta), with "state", "place" and "answer" added; one line.
std::string json_of(const FoundTask& task, const Result<std::string>& response);

// What a waiting person or program is told when a task has ended.
struct Ending {
  std::string out;       // the answer; as JSON the receipt with "answer" added, one line
  std::string complaint; // empty when it was answered
};

enum class Form { text, terminal, json }; // on a terminal nothing an agent wrote may act

Ending ending_of(const EndedTask& task, const Result<std::string>& response, Form form);

} // namespace conos
