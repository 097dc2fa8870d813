#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace conos::egress {

// The first thing a TLS client says, as far as it concerns us.
struct Hello {
  std::string server_name; // in small letters; empty: it names none
};

// Records and all; what OpenSSL, NSS and Go send is below 2 KiB.
constexpr std::size_t k_max_hello_bytes = 18U << 10U;

// Reads the ClientHello that `bytes` begin with, which may come in several records. Nothing: there
// is more to come. Kind::bad_data for whatever is no ClientHello, is longer than that, has anything
// in it twice, out of place or left over, or hides the server's name (ECH, RFC 9849): two readers
// of it must not come to two names.
Result<std::optional<Hello>> read_hello(std::string_view bytes);

// What a TLS client is told before it is cut off: a fatal alert, "access denied".
std::string_view denial_alert();

} // namespace conos::egress
