#include "sys/id.hpp"

#include <sys/random.h>

#include <array>

namespace conos {

Result<std::string> random_hex(std::size_t digits)
{
  constexpr std::string_view k_hex = "0123456789abcdef";
  std::string text;
  text.reserve(digits);
  std::array<unsigned char, 32> bytes{};
  while (text.size() < digits) {
    // up to 256 bytes are never interrupted and never short
    if (::getrandom(bytes.data(), bytes.size(), 0) < 0) {
      return os_error("get random bytes");
    }
    for (const unsigned char byte : bytes) {
      text.push_back(k_hex[byte >> 4U]);
      text.push_back(k_hex[byte & 15U]);
    }
  }
  text.resize(digits);
  return text;
}

} // namespace conos
