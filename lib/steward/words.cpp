#include "steward/words.hpp"

#include "sys/text.hpp"

#include <algorithm>

namespace conos::steward {

namespace {

constexpr std::string_view k_wishes_to_know =
  "please.|i want to know.|i need to know.|i would like to know.|id like to know.|i wonder.|"
  "do you know.|i would like to see.|id like to see.|i want to see.|let me know.|let me see.|"
  "have a look at.|tell me.|tell us.|show me.|show us.|give me.|remind me.|find out.";

bool is_word_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// The 's of "what's" and "the concierge's" says nothing.
bool is_contraction(std::string_view text, std::size_t at)
{
  return at + 1 < text.size() && text[at + 1] == 's' &&
         (at + 2 == text.size() || !is_word_char(text[at + 2]));
}

bool fits(const std::string& word, std::string_view stem)
{
  return stem.ends_with('.') ? word == stem.substr(0, stem.size() - 1) : word.starts_with(stem);
}

// How many words from `at` on the stem covers, 0 when it does not fit there.
std::size_t covers(const Words& words, std::size_t at, std::string_view stem)
{
  const auto parts = split(stem, ' ');
  if (at + parts.size() > words.size()) {
    return 0;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!fits(words[at + i], parts[i])) {
      return 0;
    }
  }
  return parts.size();
}

Words without_leading(const Words& words, std::string_view stems)
{
  auto rest = words;
  while (const auto count = starts_with_any(rest, stems)) {
    rest = after(rest, count);
  }
  return rest;
}

} // namespace

bool wishes_to_know(const Words& words)
{
  return starts_with_any(without_courtesies(words), k_wishes_to_know) > 0;
}

Words words_of(std::string_view text)
{
  const auto plain = lower(text);
  Words words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  };
  for (std::size_t at = 0; at < plain.size(); ++at) {
    if (is_word_char(plain[at])) {
      word += plain[at];
    } else if (plain[at] != '\'') {
      end_word();
    } else if (is_contraction(plain, at)) {
      ++at;
    }
  }
  end_word();
  return words;
}

bool has_any(const Words& words, std::string_view stems)
{
  for (const auto stem : split(stems, '|')) {
    for (std::size_t at = 0; at < words.size(); ++at) {
      if (covers(words, at, stem) > 0) {
        return true;
      }
    }
  }
  return false;
}

std::size_t starts_with_any(const Words& words, std::string_view stems)
{
  std::size_t longest = 0;
  for (const auto stem : split(stems, '|')) {
    longest = std::max(longest, covers(words, 0, stem));
  }
  return longest;
}

std::optional<std::size_t> find_phrase(const Words& words, const Words& phrase)
{
  const auto found = std::search(words.begin(), words.end(), phrase.begin(), phrase.end());
  if (phrase.empty() || found == words.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

Words after(const Words& words, std::size_t count)
{
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(count, words.size())), words.end()};
}

Words without_fillers(const Words& words)
{
  constexpr std::string_view k_fillers = "the.|a.|an.|my.|our.|your.|this.|that.|now.|again.";
  Words kept;
  for (const auto& word : words) {
    if (!has_any({word}, k_fillers)) {
      kept.push_back(word);
    }
  }
  return kept;
}

Words without_courtesies(const Words& words)
{
  return without_leading(words,
    "please.|kindly.|hi.|hello.|hey.|dear.|thanks.|so.|and.|ok.|okay.|well.|now.|there.|"
    "good morning.|good evening.|can you.|could you.|would you.|will you.|can i.|could i.|may i.|"
    "i would like you to.|id like you to.|i want you to.|i need you to.");
}

Words bare_question(const Words& words)
{
  return without_leading(without_courtesies(words), k_wishes_to_know);
}

} // namespace conos::steward
