#pragma once

#include "facts/facts.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// What the reference's scripts read of our output.
namespace conos::front {

// A line for each agent, "concierge            active  (2 pending)"; active when its path, its
// service or its timer is.
std::string status_lines(const Facts& facts);

// As much of `text` as fits a terminal of so many rows and columns, to be drawn over what was drawn
// before without a flicker. `text` must be fit for a terminal.
std::string screen_of(std::string_view text, std::size_t rows, std::size_t columns);

// "=== concierge: 20261121-….response ===", and a newline.
std::string answer_heading(std::string_view agent, std::string_view file);

// An answer below its heading: lines that would be read as headings begin with a space, and the
// last is an empty one.
std::string answer_body(std::string_view text);

} // namespace conos::front
