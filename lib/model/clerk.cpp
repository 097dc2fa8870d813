#include "model/clerk.hpp"

#include "audit/client.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <chrono>

namespace conos::model {

namespace {

constexpr std::size_t k_at_once = 64;
constexpr auto k_pause = std::chrono::seconds(2);

} // namespace

Clerk::Clerk(budget::Store store, std::string agent, std::string socket)
    : m_store(std::move(store))
    , m_agent(std::move(agent))
    , m_socket(std::move(socket))
    , m_thread([this] {
      run();
    })
{
}

Clerk::~Clerk()
{
  {
    const std::lock_guard lock(m_mutex);
    m_ends = m_has_news = true;
  }
  m_changed.notify_one();
  m_thread.join();
}

void Clerk::wake()
{
  {
    const std::lock_guard lock(m_mutex);
    m_has_news = true;
  }
  m_changed.notify_one();
}

void Clerk::run()
{
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [this] {
      return m_has_news;
    });
    m_has_news = false;
    const bool ends = m_ends;
    lock.unlock();
    auto more = carry();
    while (more && *more) {
      more = carry();
    }
    if (!more) {
      log::error("the ledger will be told later: {}", escaped(more.error().text()));
    }
    lock.lock();
    if (ends) {
      return;
    }
    if (!more) {
      m_changed.wait_for(lock, k_pause, [this] {
        return m_ends;
      });
      m_has_news = true;
    }
  }
}

Result<bool> Clerk::carry()
{
  CONOS_TRY(const auto waiting, m_store.unrecorded(m_agent, k_at_once));
  if (waiting.empty()) {
    return false;
  }
  std::vector<audit::Row> rows;
  for (const auto& one : waiting) {
    rows.push_back({one.type, "", one.payload, one.key});
  }
  CONOS_TRY(auto ledger, audit::Appender::connect(m_socket));
  CONOS_CHECK(ledger.append(rows, [](const audit::Recorded& /*unused*/) {}));
  CONOS_CHECK(m_store.recorded(waiting));
  return true;
}

} // namespace conos::model
