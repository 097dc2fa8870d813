#pragma once

#include "sys/address.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace conos::egress {

// Looks up names as the machine does it (getaddrinfo(3)), in a few threads of its own, which may
// hang for as long as the machine's resolver does: whoever asks keeps the time.
class Resolver
{
public:
  struct Answer {
    std::uint64_t id = 0;
    std::vector<Address> addresses; // each once; empty: there is no such name
    std::string trouble;            // the resolver's words, when there is none
  };

  // Kind::os when there is no descriptor.
  static Result<Resolver> start();

  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver(); // waits for nobody

  void ask(std::uint64_t id, const std::string& name);

  // Can be read from when there are answers.
  int descriptor() const;
  std::vector<Answer> take();

private:
  struct Shared;
  explicit Resolver(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> m_shared;
};

} // namespace conos::egress
