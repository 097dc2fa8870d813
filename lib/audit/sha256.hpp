#pragma once

#include <array>
#include <string>
#include <string_view>

namespace conos::audit {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);

// Lower-case hex digits, 64 for a digest.
std::string hex(const Digest& digest);
std::string hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

} // namespace conos::audit
