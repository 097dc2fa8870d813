#pragma once

#include "sys/secret.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace conos::model {

// Takes keys out of what passes in pieces, wherever they are cut: each byte of one becomes an 'x',
// so that lengths stay what was announced. What may be the beginning of a key waits for the next
// piece; nothing else does.
class Scrubber
{
public:
  // `keys` outlive it.
  explicit Scrubber(const std::vector<Secret>& keys)
      : m_keys(&keys)
  {
  }

  // Gives what can be let through by now.
  std::string feed(std::string_view piece);
  // There is no more.
  std::string finish();

  // A whole text at once.
  static std::string scrubbed(std::string_view text, const std::vector<Secret>& keys);

private:
  std::size_t withheld(std::string_view text) const;

  const std::vector<Secret>* m_keys;
  std::string m_rest;
};

} // namespace conos::model
