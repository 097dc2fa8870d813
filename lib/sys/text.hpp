#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conos {

// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF).
bool is_utf8(std::string_view text);

// Makes foreign text safe for a terminal, a log line and a ledger: control characters (C0, C1,
// DEL, and the bidirectional overrides) and bytes that are not UTF-8 become \n, \t, \xNN; a
// backslash becomes \\. The result is one line of UTF-8. Longer than `limit` bytes is cut, with
// an ellipsis.
std::string escaped(std::string_view text, std::size_t limit = 512);

// The same for text of several lines: newlines and tabs stay. Nothing is cut.
std::string escaped_lines(std::string_view text);

std::string_view trimmed(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string lower(std::string_view text);

// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the pen.
std::optional<std::string> nearest(
  std::string_view word, const std::vector<std::string>& candidates);

// At most `limit` bytes of UTF-8 text, never cutting a character in two.
std::string_view clipped(std::string_view text, std::size_t limit);

} // namespace conos
