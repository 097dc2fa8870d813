#include "model/scrub.hpp"

#include <algorithm>

namespace conos::model {

namespace {

constexpr std::size_t k_shortest = 8; // a shorter one is a word

void blot(std::string& text, std::string_view key)
{
  if (key.size() < k_shortest) {
    return;
  }
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + key.size())) {
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), key.size(), 'x');
  }
}

} // namespace

std::string Scrubber::scrubbed(std::string_view text, const std::vector<Secret>& keys)
{
  std::string out(text);
  for (const auto& key : keys) {
    blot(out, key.view());
  }
  return out;
}

// The longest end of the text that is the beginning of a key, and not all of it.
std::size_t Scrubber::withheld(std::string_view text) const
{
  std::size_t longest = 0;
  for (const auto& secret : *m_keys) {
    const auto key = secret.view();
    if (key.size() < k_shortest) {
      continue;
    }
    for (auto length = std::min(key.size() - 1, text.size()); length > longest; --length) {
      if (text.ends_with(key.substr(0, length))) {
        longest = length;
      }
    }
  }
  return longest;
}

std::string Scrubber::feed(std::string_view piece)
{
  auto text =
    m_rest.empty() ? scrubbed(piece, *m_keys) : scrubbed(m_rest + std::string(piece), *m_keys);
  const auto keep = withheld(text);
  m_rest.assign(text, text.size() - keep, keep);
  text.resize(text.size() - keep);
  return text;
}

std::string Scrubber::finish()
{
  return std::exchange(m_rest, {});
}

} // namespace conos::model
