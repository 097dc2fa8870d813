#include "egress/flow.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace conos::egress {

namespace {

// The most an ordinary user's pipe may hold; with the usual 64 KiB a gigabyte costs a sixth more of
// the processor. All doors together have room for 64 such pipes (pipe(7)), and then for smaller
// ones.
constexpr int k_pipe_bytes = 1 << 20;
constexpr std::size_t k_idle_pipes = 4;
constexpr std::size_t k_copy_bytes = 16U << 10U;

bool would_block()
{
  return errno == EAGAIN;
}

// What came first.
Moved send_first(Flow& flow)
{
  while (!flow.first.empty()) {
    const auto sent = ::send(flow.to, flow.first.data(), flow.first.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return would_block() ? Moved::waits : Moved::failed;
    }
    flow.first.erase(0, static_cast<std::size_t>(sent));
  }
  return Moved::more;
}

// What is in the pipe.
Moved empty_pipe(Flow& flow, Pipes& pipes)
{
  while (flow.held > 0) {
    const auto sent = ::splice(flow.pipe->read_end.get(), nullptr, flow.to, nullptr, flow.held,
      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent <= 0) {
      return sent < 0 && would_block() ? Moved::waits : Moved::failed;
    }
    flow.held -= static_cast<std::size_t>(sent);
  }
  if (flow.pipe) {
    pipes.give_back(std::move(*flow.pipe));
    flow.pipe.reset();
  }
  return Moved::more;
}

void count(Flow& flow, std::uint64_t bytes)
{
  flow.taken += bytes;
  if (flow.left) {
    *flow.left -= bytes;
  }
}

Moved fill_pipe(Flow& flow, Pipes& pipes, std::uint64_t most)
{
  auto pipe = pipes.lend();
  if (!pipe) {
    return Moved::failed;
  }
  const auto room = std::min<std::uint64_t>(most, k_pipe_bytes);
  const auto size = flow.left ? std::min(room, *flow.left) : room;
  const auto got = ::splice(flow.from, nullptr, pipe->write_end.get(), nullptr,
    static_cast<std::size_t>(size), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got <= 0) {
    const bool waits = got < 0 && would_block();
    const bool has_ended = got == 0;
    pipes.give_back(std::move(*pipe));
    flow.has_ended = has_ended;
    return waits ? Moved::waits : has_ended ? Moved::more : Moved::failed;
  }
  flow.pipe = std::move(*pipe);
  flow.held = static_cast<std::size_t>(got);
  count(flow, static_cast<std::uint64_t>(got));
  return Moved::more;
}

// A chunked body is looked at, so it is copied.
Moved copy_chunks(Flow& flow, std::uint64_t most)
{
  std::array<char, k_copy_bytes> buffer{};
  const auto size = std::min<std::uint64_t>(most, buffer.size());
  const auto got = ::recv(flow.from, buffer.data(), static_cast<std::size_t>(size), 0);
  if (got <= 0) { // cut off in the middle is broken
    return got < 0 && would_block() ? Moved::waits : Moved::failed;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  const auto taken = flow.chunks->take(bytes);
  if (!taken) {
    return Moved::bad;
  }
  count(flow, *taken);
  flow.first = bytes.substr(0, *taken);
  return Moved::more;
}

bool has_all(const Flow& flow)
{
  return flow.has_ended || (flow.left && *flow.left == 0) ||
         (flow.chunks && flow.chunks->is_done());
}

} // namespace

Result<Pipe> Pipes::lend()
{
  if (!m_idle.empty()) {
    auto pipe = std::move(m_idle.back());
    m_idle.pop_back();
    return pipe;
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) {
    return os_error("make a pipe");
  }
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  (void)::fcntl(ends[1], F_SETPIPE_SZ, k_pipe_bytes); // a smaller one is slower, and as good
  return pipe;
}

void Pipes::give_back(Pipe pipe)
{
  if (m_idle.size() < k_idle_pipes) {
    m_idle.push_back(std::move(pipe));
  }
}

Moved move(Flow& flow, Pipes& pipes, std::uint64_t most)
{
  const auto end = flow.taken + most;
  while (!flow.is_over) {
    if (const auto first = send_first(flow); first != Moved::more) {
      return first;
    }
    if (const auto rest = empty_pipe(flow, pipes); rest != Moved::more) {
      return rest;
    }
    if (has_all(flow)) {
      flow.is_over = true;
      if (flow.closes) {
        (void)::shutdown(flow.to, SHUT_WR); // fails when the other side is gone, which shows
      }
      break;
    }
    if (flow.taken >= end) {
      return Moved::more;
    }
    const auto more =
      flow.chunks ? copy_chunks(flow, end - flow.taken) : fill_pipe(flow, pipes, end - flow.taken);
    if (more != Moved::more) {
      return more;
    }
  }
  return Moved::over;
}

} // namespace conos::egress
