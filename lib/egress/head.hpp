#pragma once

#include "egress/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace conos::egress {

constexpr std::size_t k_max_head_bytes = 16U << 10U; // request line and header fields

enum class Framing { none, length, chunked }; // of the request's body

// A request to a proxy: CONNECT for a tunnel, else one for an http: address.
struct Request {
  std::string method;
  Target target;
  std::string path;                                        // and query; empty of CONNECT
  std::vector<std::pair<std::string, std::string>> fields; // that pass on, as they were written
  Framing framing = Framing::none;
  std::uint64_t body_bytes = 0; // with Framing::length
  std::size_t head_bytes = 0;   // what of the bytes was the head

  bool is_connect() const { return path.empty(); }
};

// Reads the request that `bytes` begin with. Nothing: its head goes on. Kind::bad_data for whatever
// is no request to a proxy, is longer than k_max_head_bytes, or could be read in two ways: a Host
// that is not the address's, a body whose length is said twice.
Result<std::optional<Request>> read_head(std::string_view bytes);

// What the server is told of a request that is no CONNECT: one request for the rest of the
// connection, for the host that was checked, without what is between the client and us.
std::string head_for_server(const Request& request);

} // namespace conos::egress
