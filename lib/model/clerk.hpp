#pragma once

#include "budget/store.hpp"
#include "sys/error.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace conos::model {

// Carries rows from the store to the ledger, in a thread of its own: no call waits for a flush, and
// what cannot be recorded now stays in the store until it can.
class Clerk
{
public:
  // `store` is its alone.
  Clerk(budget::Store store, std::string agent, std::string socket);
  // Tries what there is once more, for a few seconds at most.
  ~Clerk();
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;

  // There may be something new.
  void wake();

private:
  void run();
  Result<bool> carry(); // whether there was anything

  budget::Store m_store;
  std::string m_agent;
  std::string m_socket;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_has_news = true; // an earlier door may have left some
  bool m_ends = false;
  std::thread m_thread;
};

} // namespace conos::model
