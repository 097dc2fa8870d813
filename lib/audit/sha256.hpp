#pragma once

#include <array>
#include <string>
#include <string_view>

namespace conos::audit {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);

// 64 lower-case hex digits.
std::string hex(const Digest& digest);
std::string sha256_hex(std::string_view bytes);

} // namespace conos::audit
