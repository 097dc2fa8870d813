#pragma once

#include "contract/evaluate.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a run says, in the words of whoever reads it.
namespace conos::contract {

enum class Format { text, json, tap, junit, prometheus };

std::optional<Format> format_of(std::string_view name);
std::vector<std::string> format_names();

struct TextStyle {
  bool is_terminal = false; // a table, failures first; else a line for each check, in order
  bool has_colour = false;
  std::size_t width = 80;    // columns
  bool only_trouble = false; // nothing of what passed or was skipped
};

// Where a report goes: a file, replaced whole, or standard output when it has no name.
struct Sink {
  Format format = Format::text;
  std::string file;
};

// "text", "junit=FILE", several with commas; at most one may go to standard output. Type::usage.
Result<std::vector<Sink>> parse_sinks(const std::vector<std::string>& given);

std::string render(const Report& report, Format format, const TextStyle& style);

// Replaces the file by `text`, whole or not at all, 0644.
Result<> write_report(const std::string& file, const std::string& text);

std::string text_report(const Report& report, const TextStyle& style);
std::string json_report(const Report& report);
std::string tap_report(const Report& report);
std::string junit_report(const Report& report);
std::string prometheus_report(const Report& report);

// "12 passed, 1 failed, 1 warned in 3.1 ms".
std::string summary_of(const Report& report);

// "ID/NAME" of a row, escaped.
std::string label_of(const Row& row);

} // namespace conos::contract
