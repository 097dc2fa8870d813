#pragma once

#include "sys/error.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace conos::audit {

// A row the ledger has not got yet, where a door keeps it.
struct WaitingRow {
  std::int64_t number = 0; // its place there
  std::string type;
  std::string key;
  std::string payload;
};

// Where they are kept. Called by the clerk's thread alone.
struct Outbox {
  std::function<Result<std::vector<WaitingRow>>(std::size_t most)> waiting; // oldest first
  std::function<Result<>(const std::vector<WaitingRow>&)> recorded;         // the ledger has them
};

// Carries rows from an outbox to the ledger, in a thread of its own: nobody waits for a flush, and
// what cannot be recorded now stays in the outbox until it can.
class Clerk
{
public:
  // `socket` is that of conos-audit-serve(8).
  Clerk(Outbox outbox, std::string socket);
  // Tries what there is once more, for a few seconds at most.
  ~Clerk();
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;

  // There may be something new.
  void wake();

private:
  void run();
  Result<bool> carry(); // whether there was anything

  Outbox m_outbox;
  std::string m_socket;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_has_news = true; // an earlier door may have left some
  bool m_ends = false;
  std::thread m_thread;
};

} // namespace conos::audit
