#include "sys/log.hpp"

#include "sys/fd.hpp"
#include "sys/text.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace conos::log {

namespace {

struct Sink {
  std::string name = "conos";
  bool journal = false;
};

Sink& sink()
{
  static Sink the_sink;
  return the_sink;
}

bool stderr_is_the_journal()
{
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st = {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &st) == 0 &&
         fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

// The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): KEY=value lines in one
// datagram. Best effort: what could not be logged is in the ledger as well.
void send_to_journal(int priority, std::string_view line)
{
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/run/systemd/journal/socket");
  const auto record =
    fmt::format("PRIORITY={}\nSYSLOG_IDENTIFIER={}\nMESSAGE={}\n", priority, sink().name, line);
  (void)::sendto(socket.get(), record.data(), record.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
    reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

} // namespace

void set_name(std::string_view name)
{
  sink().name = name;
}

void use_journal()
{
  sink().journal = true;
}

void write(int priority, std::string_view line)
{
  const std::string one =
    line.find_first_of("\n\r\x1b") == std::string_view::npos ? std::string(line) : escaped(line);
  if (sink().journal) {
    send_to_journal(priority, one);
  }
  const auto text = stderr_is_the_journal() ? fmt::format("<{}>{}\n", priority, one)
                                            : fmt::format("{}: {}\n", sink().name, one);
  (void)!::write(STDERR_FILENO, text.data(), text.size()); // there is nobody left to tell
}

} // namespace conos::log
