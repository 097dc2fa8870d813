#include "task/watch.hpp"

#include "sys/file.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace conos {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t k_max_names = 100'000;
// What no event tells of: a watch we could not have, an agent made while we were adding watches.
constexpr Duration k_between_looks = std::chrono::seconds(5);
constexpr Duration k_longest = std::chrono::hours(24 * 365);

// A name appears by link or rename; its rights, or its content, may come a moment later.
constexpr std::uint32_t k_events =
  IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR;

Duration left_until(Clock::time_point deadline)
{
  return std::max(Duration(0), std::chrono::ceil<Duration>(deadline - Clock::now()));
}

} // namespace

ReceiptWatch::ReceiptWatch(const Site& site, std::string id)
    : m_site(site)
    , m_id(std::move(id))
    , m_inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
}

Result<ReceiptWatch> ReceiptWatch::open(const Site& site, const std::string& id)
{
  CONOS_CHECK(agent_names(site));
  return ReceiptWatch(site, id);
}

void ReceiptWatch::listen()
{
  listen_to(m_site.agents(), Box::agents);
  for (const auto& name : agent_names(m_site).value_or(std::vector<std::string>())) {
    listen_to(m_site.agent(name) + "/outbox", Box::outbox);
    listen_to(m_site.agent(name) + "/failed", Box::failed);
  }
}

void ReceiptWatch::listen_to(const std::string& path, Box box)
{
  // no watch, no event: then the regular look finds it
  const int watch = ::inotify_add_watch(m_inotify.get(), path.c_str(), k_events);
  if (watch >= 0) {
    m_boxes[watch] = box;
  }
}

bool ReceiptWatch::is_wanted(std::string_view file_name, Box box) const
{
  if (box == Box::agents || !file_name.ends_with(".json")) {
    return box == Box::agents;
  }
  const auto id = box == Box::outbox ? id_in_outbox(file_name)
                                     : file_name.substr(0, file_name.size() - sizeof(".json") + 1);
  return may_be_of_root(id, m_id);
}

Result<> ReceiptWatch::look_into(
  const std::string& path, Box box, std::optional<EndedTask>& best) const
{
  const auto dir = open_dir(path);
  if (!dir) {
    return {}; // an agent that is being made or taken away
  }
  CONOS_TRY(const auto names, list_names(*dir, k_max_names, [&](std::string_view name) {
    return is_wanted(name, box);
  }));
  for (const auto& name : names) {
    const auto text = read_file(*dir, name, k_max_meta_bytes);
    auto receipt = text ? receipt_from_json(*text) : tl::unexpected<Error>(text.error());
    if (!receipt || receipt->outcome == Outcome::forwarded ||
        (receipt->meta.root != m_id && receipt->meta.id != m_id)) {
      continue; // not readable yet is not there yet
    }
    if (!best || receipt->finished_at < best->receipt.finished_at) {
      best = EndedTask{std::move(*receipt), *text};
    }
  }
  return {};
}

Result<std::optional<EndedTask>> ReceiptWatch::look() const
{
  CONOS_TRY(const auto names, agent_names(m_site));
  std::optional<EndedTask> best;
  for (const auto& name : names) {
    CONOS_CHECK(look_into(m_site.agent(name) + "/outbox", Box::outbox, best));
    CONOS_CHECK(look_into(m_site.agent(name) + "/failed", Box::failed, best));
  }
  return best;
}

bool ReceiptWatch::read_events()
{
  alignas(inotify_event) std::array<char, 16U << 10U> buffer;
  bool is_worth_a_look = false;
  for (;;) {
    const ssize_t got = ::read(m_inotify.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      return is_worth_a_look;
    }
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      const auto box = m_boxes.find(event->wd);
      const std::string_view name = event->len > 0 ? event->name : "";
      is_worth_a_look = is_worth_a_look || (event->mask & IN_Q_OVERFLOW) != 0 ||
                        (box != m_boxes.end() && is_wanted(name, box->second));
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
}

Result<bool> ReceiptWatch::await_event(Duration patience)
{
  pollfd fd{m_inotify.get(), POLLIN, 0};
  const int ready = ::poll(&fd, 1, static_cast<int>(patience.count()));
  if (ready < 0 && errno != EINTR) {
    return os_error("wait for an answer");
  }
  return ready > 0 && read_events();
}

Result<std::optional<EndedTask>> ReceiptWatch::next(Duration patience)
{
  const auto deadline = Clock::now() + std::min(patience, k_longest);
  for (bool has_event = false;;) {
    if (has_event || Clock::now() >= m_next_look) {
      listen(); // an agent may be new
      m_next_look = Clock::now() + k_between_looks;
      CONOS_TRY(auto found, look());
      if (found) {
        return found;
      }
    }
    if (Clock::now() >= deadline) {
      return std::optional<EndedTask>();
    }
    CONOS_TRY(has_event, await_event(std::min(left_until(deadline), left_until(m_next_look))));
  }
}

} // namespace conos
