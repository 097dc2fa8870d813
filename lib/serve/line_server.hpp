#pragma once

#include "serve/bucket.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A service on a Unix socket that is talked to in lines, by many at once, none of whom can hold up
// the others: the loop, and what is bounded. What is said is the services' business.
namespace conos::serve {

// Who is at the other end, as the kernel says.
struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  std::vector<gid_t> groups; // of the process
  std::string account;       // its name, "uid:N" where there is none
};

using ClientId = std::uint64_t;

struct Bounds {
  std::size_t line_bytes = 0;      // the longest line; who sends a longer one is cut off
  std::size_t lines_at_once = 256; // taken and not answered yet, of one client
  std::size_t clients = 256;
  std::size_t clients_of_uid = 32;
  std::chrono::seconds silence{30}; // without a line, nothing being owed
  std::chrono::seconds stall{10};   // without reading what is being sent
  std::chrono::seconds idle{10};    // without a client: then it is over
};

class Service
{
public:
  virtual ~Service() = default;

  // Refuses who may not ask at all. They hear the error and are cut off.
  virtual Result<> admit(const Peer& peer) = 0;

  // A line, without its end. Each is to be answered by one LineServer::finish(), now or later.
  virtual void take(ClientId client, const Peer& peer, std::string_view line) = 0;

  // Called when all that came together has been taken, and again until it returns false: there is
  // nothing more to do. Others are heard between two calls, so one is to be short.
  virtual bool work() = 0;

  // Once a second.
  virtual void tick() = 0;

  // Before it is over.
  virtual void stop() = 0;

  // What somebody hears who is cut off, one line with its end; `retry`: after so long the same may
  // succeed.
  virtual std::string refusal(const Error& error, std::optional<std::chrono::milliseconds> retry);

  // A descriptor that can be read when there is work() to do of which no client is the cause; -1:
  // there is none.
  virtual int watched() const { return -1; }
};

class LineServer
{
public:
  explicit LineServer(const Bounds& bounds);
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;
  ~LineServer();

  // Serves who connects to the listening sockets until SIGTERM, or nobody has been there for a
  // while.
  Result<> run(const std::vector<UniqueFd>& listeners, Service& service);

  // To a client that is gone, nothing happens.
  void send(ClientId client, std::string_view text);
  void finish(ClientId client);

  // Whether a client is there, and has read enough of what it was sent for more.
  bool is_there(ClientId client) const;
  bool has_room(ClientId client) const;

private:
  class Loop;
  Bounds m_bounds;
  std::unique_ptr<Loop> m_loop;
};

} // namespace conos::serve
