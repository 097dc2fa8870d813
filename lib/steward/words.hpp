#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A request as a list of plain words, and what can be asked of one.
namespace conos::steward {

using Words = std::vector<std::string>;

// Lower case, letters and digits only; of "what's" remains "what", of "don't" "dont".
Words words_of(std::string_view text);

// Stems are separated by '|'. A stem is the beginning of a word ("packag"), a whole word when it
// ends in a dot ("ram."), or several of them in a row ("how long.").
bool has_any(const Words& words, std::string_view stems);

// The same for the first word or words alone: how many of them, 0 if it is none of these.
std::size_t starts_with_any(const Words& words, std::string_view stems);

// Where the words of `phrase` stand in a row.
std::optional<std::size_t> find_phrase(const Words& words, const Words& phrase);

Words after(const Words& words, std::size_t count);

// Without articles and the like.
Words without_fillers(const Words& words);

// Without a greeting, "please", "can you", ….
Words without_courtesies(const Words& words);

// And without "tell me", "I would like to know", …: what is left is the question.
Words bare_question(const Words& words);
bool wishes_to_know(const Words& words);

} // namespace conos::steward
