#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <string>

namespace conos {

// `digits` lower-case hex digits from getrandom(2). Kind::os only where the kernel has none.
Result<std::string> random_hex(std::size_t digits);

} // namespace conos
