#include "egress/resolver.hpp"

#include <netdb.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace conos::egress {

namespace {

constexpr int k_threads = 4;
constexpr std::size_t k_max_addresses = 16;

struct FreeList {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

struct Question {
  std::uint64_t id = 0;
  std::string name;
};

Resolver::Answer look_up(const Question& question)
{
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(question.name.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, FreeList> list(found);
  Resolver::Answer answer;
  answer.id = question.id;
  if (code != 0) {
    answer.trouble = ::gai_strerror(code);
    return answer;
  }
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    const auto address = address_of(*one->ai_addr);
    auto& all = answer.addresses;
    if (address && all.size() < k_max_addresses &&
        std::find(all.begin(), all.end(), *address) == all.end()) {
      all.push_back(*address);
    }
  }
  return answer;
}

} // namespace

// Owned by the threads too: one that hangs outlives the resolver.
struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable has_question;
  std::deque<Question> questions;
  std::vector<Answer> answers;
  bool is_over = false;
  UniqueFd bell;

  void work()
  {
    std::unique_lock lock(mutex);
    for (;;) {
      has_question.wait(lock, [this] {
        return is_over || !questions.empty();
      });
      if (is_over) {
        return;
      }
      const auto question = std::move(questions.front());
      questions.pop_front();
      lock.unlock();
      auto answer = look_up(question);
      lock.lock();
      answers.push_back(std::move(answer));
      (void)::eventfd_write(bell.get(), 1); // fails only when it rings already
    }
  }
};

Resolver::Resolver(std::shared_ptr<Shared> shared)
    : m_shared(std::move(shared))
{
}
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;

Resolver::~Resolver()
{
  if (m_shared) {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->is_over = true;
    m_shared->has_question.notify_all();
  }
}

Result<Resolver> Resolver::start()
{
  auto shared = std::make_shared<Shared>();
  shared->bell.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shared->bell) {
    return os_error("make an eventfd");
  }
  for (int i = 0; i < k_threads; ++i) {
    std::thread([shared] {
      shared->work();
    }).detach();
  }
  return Resolver(std::move(shared));
}

void Resolver::ask(std::uint64_t id, const std::string& name)
{
  const std::lock_guard lock(m_shared->mutex);
  m_shared->questions.push_back({id, name});
  m_shared->has_question.notify_one();
}

int Resolver::descriptor() const
{
  return m_shared->bell.get();
}

std::vector<Resolver::Answer> Resolver::take()
{
  eventfd_t count = 0;
  const std::lock_guard lock(m_shared->mutex);
  (void)::eventfd_read(m_shared->bell.get(), &count); // it may not have rung
  return std::exchange(m_shared->answers, {});
}

} // namespace conos::egress
