#include "audit/follow.hpp"

#include "audit/place.hpp"
#include "sys/fd.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace conos::audit {

namespace {

constexpr int k_blind_ms = 1000; // between looks, without inotify
constexpr int k_first_ms = 5;    // from a write to the log to the next look
constexpr int k_last_ms = 4000;  // and after so long nothing more is to come of it

// The log is written, flushed, and only then is there a new row to be read, of which nothing tells:
// so after each write there are a few looks, at growing distances.
class LogWatch
{
public:
  explicit LogWatch(const std::string& directory)
      : m_inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
  {
    // the directory: the log is replaced when another SQLite program was the last to close it
    if (::inotify_add_watch(m_inotify.get(), directory.c_str(), IN_MODIFY | IN_MOVED_TO) < 0) {
      m_inotify.reset();
    }
  }

  // Until there may be something new. False: nobody reads `out` any more.
  Result<bool> wait(int out)
  {
    std::array<pollfd, 2> fds{{{m_inotify.get(), POLLIN, 0}, {out, 0, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), m_inotify ? m_next_ms : k_blind_ms);
    if (ready < 0 && errno != EINTR) {
      return os_error("wait for the ledger");
    }
    if (ready == 0) {
      m_next_ms = m_next_ms < k_last_ms ? 2 * m_next_ms : k_for_ever;
    }
    if (ready > 0 && is_written()) {
      m_next_ms = k_first_ms;
    }
    return ready <= 0 || (fds[1].revents & (POLLERR | POLLHUP)) == 0;
  }

private:
  static constexpr int k_for_ever = -1;

  bool is_written() const
  {
    alignas(inotify_event) std::array<char, 4096> buffer;
    bool written = false;
    for (;;) {
      const ssize_t got = ::read(m_inotify.get(), buffer.data(), buffer.size());
      if (got <= 0) {
        return written;
      }
      for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        const std::string_view name = event->len > 0 ? event->name : "";
        written = written || name == k_log || name == k_database;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
  }

  UniqueFd m_inotify;
  int m_next_ms = k_first_ms;
};

} // namespace

Result<> follow(const std::string& directory, std::int64_t id, const Filter& filter, int out,
  const std::function<bool(const Event&)>& show)
{
  LogWatch watch(directory); // first, so that nothing is missed between a look and a wait
  const auto database = fmt::format("{}/{}", directory, k_database);
  for (bool wanted = true; wanted;) {
    // anew each time: the ledger may have been put in place of another
    CONOS_TRY(auto reader, Reader::open(database));
    CONOS_CHECK(reader.each_after(id, filter, [&](const Event& event) {
      id = event.id;
      wanted = show(event);
      return wanted;
    }));
    if (wanted) {
      CONOS_TRY(wanted, watch.wait(out));
    }
  }
  return {};
}

Result<> follow(Source& source, std::int64_t id, const Filter& filter, int out,
  const std::function<bool(const Event&)>& show)
{
  for (bool wanted = true; wanted;) {
    CONOS_CHECK(source.each_after(id, filter, [&](const Event& event) {
      id = event.id;
      wanted = show(event);
      return wanted;
    }));
    pollfd reader{out, 0, 0};
    if (wanted && ::poll(&reader, 1, k_blind_ms) > 0) {
      wanted = (reader.revents & (POLLERR | POLLHUP)) == 0;
    }
  }
  return {};
}

} // namespace conos::audit
