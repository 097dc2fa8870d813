#include "ask/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace conos::ask {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration k_usual_pause = std::chrono::milliseconds(500);

// Kind::busy when the time is up.
Result<> wait_until_ready(const UniqueFd& fd, short events, Clock::time_point until)
{
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(until - Clock::now()).count();
    pollfd ready{fd.get(), events, 0};
    const int count =
      ::poll(&ready, 1, static_cast<int>(std::clamp<Duration::rep>(left, 0, 3'600'000)));
    if (count > 0) {
      return {};
    }
    if (count == 0 && Clock::now() >= until) {
      return fail(Kind::busy, "the gate has not answered yet");
    }
    if (count < 0 && errno != EINTR) {
      return os_error("wait for the gate");
    }
  }
}

} // namespace

std::string gate_of(const std::string& agent)
{
  return "/run/conos/doors/" + agent + "/gate.sock";
}

Result<Gate> Gate::connect(const std::string& path)
{
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(Kind::usage, "'{}' is too long for a socket's path", path);
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    return os_error("make a socket");
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    auto error = os_error("there is no gate at '{}'", path);
    if (error.value().kind != Kind::denied) {
      error.value().kind = Kind::unavailable;
    }
    return error;
  }
  return Gate(path, std::move(fd));
}

Result<Answer> Gate::ask(const Request& request, Duration patience)
{
  const auto until = Clock::now() + patience;
  const auto line = request_line(request);
  if (line.size() > k_max_request_bytes) {
    return fail(
      Kind::bad_data, "the request has {} bytes, more than {}", line.size(), k_max_request_bytes);
  }
  for (;;) {
    const auto left = [&] {
      return std::max(std::chrono::duration_cast<Duration>(until - Clock::now()), Duration(0));
    };
    CONOS_CHECK(send(line, left()));
    CONOS_TRY(const auto text, receive(left()));
    CONOS_TRY(auto answer, parse_answer(text));
    const auto pause = answer.retry.value_or(k_usual_pause);
    if (answer.status != Status::busy || pause > left()) {
      return answer;
    }
    std::this_thread::sleep_for(pause);
    CONOS_TRY(*this, connect(m_path)); // who has too many connections was hung up on
  }
}

Result<> Gate::send(std::string_view line, Duration patience)
{
  const auto until = Clock::now() + patience;
  while (!line.empty()) {
    const auto sent = ::send(m_fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
      return {}; // what it said before it closed tells why
    }
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      CONOS_CHECK(wait_until_ready(m_fd, POLLOUT, until));
    } else if (sent < 0 && errno != EINTR) {
      return os_error("ask the gate");
    }
    line.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return {};
}

Result<std::string> Gate::receive(Duration patience)
{
  const auto until = Clock::now() + patience;
  for (;;) {
    if (const auto end = m_text.find('\n'); end != std::string::npos) {
      auto line = m_text.substr(0, end);
      m_text.erase(0, end + 1);
      return line;
    }
    if (m_text.size() > k_max_answer_bytes) {
      return fail(Kind::bad_data, "the answer is longer than {} bytes", k_max_answer_bytes);
    }
    CONOS_CHECK(wait_until_ready(m_fd, POLLIN, until));
    std::array<char, 64U << 10U> buffer;
    const auto got = ::recv(m_fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
      return fail(Kind::unavailable, "the gate closed the connection");
    }
    if (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return os_error("hear from the gate");
    }
    m_text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
}

} // namespace conos::ask
