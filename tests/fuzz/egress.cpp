// egress - feeds the readers of the egress door what nobody would send
//
//   egress SECONDS SEED CORPUS...   heads, ClientHellos and chunked bodies
#include "egress/chunks.hpp"
#include "egress/head.hpp"
#include "egress/hello.hpp"
#include "fuzz.hpp"
#include "sys/text.hpp"

#include <string_view>

namespace {

using namespace conos;
using namespace conos::egress;

const std::vector<std::string> k_pieces{"\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", ":", "@", "/",
  "?", "#", "%00", std::string(1, '\0'), "\x7f", "\xff", "HTTP/1.1", "HTTP/1.0", "http://",
  "https://", "CONNECT ", "GET ", "Host: ", "Host: b.org\r\n", "a.org", "b.org:443", "127.0.0.1",
  "[::1]", "Content-Length: ", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "chunked",
  "identity", "Connection: ", "Connection: host\r\n", "0\r\n\r\n", "5\r\nhello\r\n",
  "ffffffffffffffff\r\n", "\x16\x03\x01", std::string("\x16\x03\x01\x00\x00", 5),
  std::string("\x16\x03\x01\x00\x01", 5), std::string("\x00\x00", 2), std::string("\x00\x01", 2),
  "\xff\xff", "\xfe\x0d", "\x00\x17\x00\x00",
  std::string("\x00\x00\x00\x0a\x00\x08\x00\x00\x05"
              "b.org",
    14),
  std::string(300, 'a'), std::string(5000, 'a'), "a.a.a.a.a.a.a.a.a.a.a.a"};

void must(bool holds, const char* what)
{
  if (!holds) {
    fmt::print(stderr, "egress: {}\n", what);
    std::abort();
  }
}

std::size_t count(std::string_view text, std::string_view part)
{
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

// Once it is read, or refused, whatever comes behind changes nothing.
std::size_t as_hello(const std::string& text)
{
  const std::string_view bytes(text);
  std::optional<Hello> first;
  bool is_refused = false;
  const auto step = std::max<std::size_t>(1, bytes.size() / 50);
  for (std::size_t size = 0; size <= bytes.size(); size += step) {
    const auto hello = read_hello(bytes.substr(0, size));
    must(!is_refused || !hello, "a ClientHello that was refused is read with more behind it");
    must(!first || (hello && *hello && (*hello)->server_name == first->server_name),
      "a ClientHello is another one with more behind it");
    is_refused = !hello;
    if (hello && *hello && !first) {
      first = **hello;
    }
  }
  must(bytes.size() < k_max_hello_bytes || is_refused || first, "a ClientHello without end");
  return first ? first->server_name.size() : 0;
}

// What goes to the server is one request, however it came.
std::size_t as_head(const std::string& text)
{
  const auto request = read_head(text);
  if (!request || !*request) {
    must(text.size() <= k_max_head_bytes || !request, "a head without end");
    return request ? 0 : request.error().what.size();
  }
  must((*request)->head_bytes <= k_max_head_bytes, "a head that is too long");
  if ((*request)->is_connect()) {
    return (*request)->target.host.size();
  }
  const auto head = head_for_server(**request);
  must(head.find("\r\n\r\n") == head.size() - 4, "a head that ends in its middle");
  must(count(head, "\n") == count(head, "\r\n") && count(head, "\r") == count(head, "\r\n"),
    "a line that ends in another way");
  must(head.find('\0') == head.npos, "a NUL");
  const auto fields = lower(head);
  must(count(fields, "\r\nhost:") == 1, "more than one Host");
  must(count(fields, "\r\nconnection:") == 1, "more than one Connection");
  must(count(fields, "\r\ncontent-length:") + count(fields, "\r\ntransfer-encoding:") ==
         ((*request)->framing == Framing::none ? 0 : 1),
    "a length that is said twice");
  return head.size();
}

// The end is where it is, however the body is cut.
std::size_t as_chunks(const std::string& text)
{
  ChunkReader whole;
  const auto all = whole.take(text);
  ChunkReader cut;
  std::size_t taken = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto one = cut.take(std::string_view(text).substr(at, 1));
    if (!one) {
      must(!all, "a body that is good in one piece only");
      return 0;
    }
    taken += *one;
  }
  must(all && *all == taken && whole.is_done() == cut.is_done(), "a body that ends in two places");
  return taken;
}

std::size_t read_all_ways(const std::string& text)
{
  return as_hello(text) + as_head(text) + as_chunks(text);
}

} // namespace

int main(int argc, char* argv[])
{
  return fuzz::run(argc, argv, {"egress", k_pieces, read_all_ways});
}
