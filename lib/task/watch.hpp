#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "task/find.hpp"
#include "task/site.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

// Waiting for a task's answer without asking again and again.
namespace conos {

// Listens to the agents' outbox and failed directories through inotify. It listens first and looks
// second, so nothing that arrives in between is missed; where the kernel gives it no inotify, and
// for what no event tells of, it looks every few seconds.
class ReceiptWatch
{
public:
  // Kind::denied when the caller may not look at the agents.
  static Result<ReceiptWatch> open(const Site& site, const std::string& id);

  // The earliest receipt of the task itself or of a task with this root that is not `forwarded`.
  // Waits `patience` at most; nothing when there is none yet.
  Result<std::optional<EndedTask>> next(Duration patience);

private:
  ReceiptWatch(const Site& site, std::string id);

  enum class Box { agents, outbox, failed };

  void listen();
  void listen_to(const std::string& path, Box box);
  Result<std::optional<EndedTask>> look() const;
  Result<> look_into(const std::string& path, Box box, std::optional<EndedTask>& best) const;
  bool is_wanted(std::string_view file_name, Box box) const;
  // True when something happened that is worth a look.
  Result<bool> await_event(Duration patience);
  bool read_events();

  Site m_site;
  std::string m_id;
  UniqueFd m_inotify;
  std::map<int, Box> m_boxes;                        // by watch descriptor
  std::chrono::steady_clock::time_point m_next_look; // the first is due at once
};

} // namespace conos
