#pragma once

#include "audit/wire.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// The ledger as those see it who are not root: through its two sockets.
namespace conos::audit {

// One that is talked to in lines, and waited for at most 30 s.
class LineSocket
{
public:
  // Kind::denied when the caller may not connect, Kind::unavailable when nobody listens.
  static Result<LineSocket> connect(const std::string& path);

  Result<> send(std::string_view line);
  // The next line, without its end. Kind::unavailable when the other side has closed.
  Result<std::string> receive();

  // Whether the other side has closed, with nothing left to be read.
  bool is_closed() const;

private:
  explicit LineSocket(UniqueFd fd)
      : m_fd(std::move(fd))
  {
  }
  UniqueFd m_fd;
  std::string m_text;
  std::size_t m_read = 0; // of it
};

// Appends through audit.sock.
class Appender
{
public:
  static Result<Appender> connect(const std::string& path);

  // Appends rows, many at once, and gives the receipts there are to `take` in the order of the
  // rows. Their actor is not asked for: it is who we are. What is refused because there were too
  // many is asked for again, for as long as a minute, and then comes behind others.
  //
  // An error is that of the first row without a receipt. After Kind::unavailable it is not known
  // whether such rows were recorded, except with keys: those are asked for again, with a service
  // that was started anew.
  Result<> append(const std::vector<Row>& rows, const std::function<void(const Recorded&)>& take);

private:
  struct Round;
  explicit Appender(std::string path, LineSocket socket)
      : m_path(std::move(path))
      , m_socket(std::move(socket))
  {
  }
  Result<> append_some(Round& round);
  Result<> ask(Round& round);
  Result<> connect_again();

  std::string m_path;
  LineSocket m_socket;
  Duration m_pace{}; // between rows, since there were too many
};

// Reads through query.sock. A bound of the service is where the next question begins; only last()
// may give less than there is, and `warn` is told.
class Remote : public Source
{
public:
  using Warn = std::function<void(const std::string&)>;
  static Result<Remote> connect(const std::string& path, Warn warn);

  Result<std::vector<Event>> last(std::size_t count, const Filter& filter) override;
  Result<> each_after(
    std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take) override;
  Result<std::int64_t> last_id() override;

private:
  Remote(LineSocket socket, Warn warn)
      : m_socket(std::move(socket))
      , m_warn(std::move(warn))
  {
  }
  Result<End> ask(const Query& query, const std::function<bool(const Event&)>& take);

  LineSocket m_socket;
  Warn m_warn;
};

// Reads the copies of the rows that lie in `directory`, a file for each day; some may be missing.
class DayReader : public Source
{
public:
  // Kind::denied or Kind::not_found.
  static Result<DayReader> open(const std::string& directory);

  Result<std::vector<Event>> last(std::size_t count, const Filter& filter) override;
  Result<> each_after(
    std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take) override;
  Result<std::int64_t> last_id() override;

private:
  explicit DayReader(UniqueFd directory)
      : m_directory(std::move(directory))
  {
  }
  Result<std::vector<std::string>> days() const; // names, oldest first
  Result<std::vector<Event>> events_of(const std::string& day, const Filter& filter) const;

  UniqueFd m_directory;
  std::int64_t m_offered = 0; // by each_after(): what comes after this row
  std::string m_from;         // is in this file or a later one
};

} // namespace conos::audit
