#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace conos {

// Memory that is wiped before it is given back.
template<class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template<class U>
  explicit WipingAllocator(const WipingAllocator<U>&)
  {
  }

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* at, std::size_t count)
  {
    ::explicit_bzero(static_cast<void*>(at), count * sizeof(T));
    std::allocator<T>().deallocate(at, count);
  }

  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

// Bytes that nobody should find in our memory later: however it grows, moves and ends, no copy of
// them stays behind. Not a std::string, which keeps short texts in itself and copies long ones.
class Secret
{
public:
  Secret() = default;
  explicit Secret(std::string_view text)
      : m_bytes(text.begin(), text.end())
  {
  }
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() = default;

  std::string_view view() const { return {m_bytes.data(), m_bytes.size()}; }
  bool empty() const { return m_bytes.empty(); }
  std::size_t size() const { return m_bytes.size(); }

  void append(char byte) { m_bytes.push_back(byte); }
  // Room for `size` bytes, new ones 0. What is cut off is wiped with the rest.
  void resize(std::size_t size) { m_bytes.resize(size); }
  char* data() { return m_bytes.data(); }

private:
  std::vector<char, WipingAllocator<char>> m_bytes;
};

// Everything from the descriptor's position to its end; Kind::bad_data past `limit` bytes.
Result<Secret> read_secret(const UniqueFd& fd, std::size_t limit);

} // namespace conos
