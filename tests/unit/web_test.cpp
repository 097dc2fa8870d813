#include "sys/file.hpp"
#include "temp_dir.hpp"
#include "web/files.hpp"
#include "web/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

using namespace conos;
using namespace conos::web;

namespace {

Site site_in(const TempDir& dir)
{
  return {
    dir.path, {{"/", "index.html", "text/html; charset=utf-8"}}, {"conos", "conos.example.org"}};
}

Asked get(std::string_view path)
{
  return {"GET", path, "localhost:8080", "", ""};
}

std::string text_of(const Answer& answer)
{
  return answer.file ? read_all(answer.file, answer.size).value() : answer.body;
}

// A server on a port of its own, until it ends by itself.
class Running
{
public:
  explicit Running(const web::Site& site, Duration idle = std::chrono::milliseconds(1500))
      : m_site(site)
  {
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    m_at.sin_family = AF_INET;
    m_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(m_at);
    REQUIRE(::bind(listener.get(), address(), size) == 0);
    REQUIRE(::listen(listener.get(), 128) == 0);
    REQUIRE(::getsockname(listener.get(), address(), &size) == 0);
    m_thread = std::thread([this, idle, socket = std::move(listener)]() mutable {
      m_ended = serve(m_site, std::move(socket), idle).has_value();
    });
  }
  ~Running() { end(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  UniqueFd connect()
  {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(fd.get(), address(), sizeof(m_at)) == 0);
    return fd;
  }

  // All that comes back.
  std::string ask(const std::string& request)
  {
    const auto fd = connect();
    (void)::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
    std::string got;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::recv(fd.get(), part.data(), part.size(), 0)) > 0;) {
      got.append(part.data(), static_cast<std::size_t>(n));
    }
    return got;
  }

  // Whether it went well, once nobody asks any more.
  bool end()
  {
    if (m_thread.joinable()) {
      m_thread.join();
    }
    return m_ended;
  }

private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&m_at); }

  const web::Site& m_site;
  sockaddr_in m_at{};
  bool m_ended = false;
  std::thread m_thread;
};

const std::string k_get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

} // namespace

TEST_CASE("a browser is known by the machine's addresses and names", "[web][host]")
{
  const std::vector<std::string> names{"conos", "Conos.example.org"};
  for (const auto* host :
    {"127.0.0.1", "127.0.0.1:8080", "10.1.2.3:80", "localhost", "LOCALHOST:1", "[::1]",
      "[::1]:8080", "[fe80::1]:80", "conos", "conos:8080", "conos.example.org", "localhost:"}) {
    INFO(host);
    CHECK(is_known_host(host, names));
  }
  for (const auto* host : {"", "evil.example.com", "evil.example.com:8080", "127.0.0.1.evil.com",
         "localhost.evil.com", "conos.evil.com", "[::1", "::1", "[127.0.0.1]", "[]", ":8080",
         "127.0.0.1:80x", "127.0.0.1:123456", "[::1]x", "127.0.0.1 evil", "evil.com:127.0.0.1",
         "0x7f000001", "127.1", "localhost."}) {
    INFO(host);
    CHECK_FALSE(is_known_host(host, names));
  }
  CHECK_FALSE(is_known_host("", {""}));
}

TEST_CASE("nothing but its files is served", "[web][files]")
{
  const TempDir dir;
  const auto site = site_in(dir);
  CHECK(answer(site, get("/")).status == 404); // not there yet
  REQUIRE(replace(dir.fd, "index.html", "<p>", 0640));
  REQUIRE(replace(dir.fd, "other", "secret", 0640));

  const auto page = answer(site, get("/"));
  CHECK(page.status == 200);
  CHECK(text_of(page) == "<p>");
  CHECK(page.headers.at("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.headers.at("X-Content-Type-Options") == "nosniff");
  CHECK_THAT(page.headers.at("Content-Security-Policy"), Catch::Contains("default-src 'none'"));
  for (const auto* path : {"/other", "/index.html", "//", "/../etc/passwd", "/.", "", "/%2e%2e/",
         "http://x/", "/index.html/"}) {
    INFO(path);
    const auto refused = answer(site, get(path));
    CHECK(refused.status == 404);
    CHECK_FALSE(refused.file);
  }
}

TEST_CASE("a link in its place is not followed", "[web][files]")
{
  const TempDir dir;
  REQUIRE(::symlinkat("/etc/passwd", dir.fd.get(), "index.html") == 0);

  const auto refused = answer(site_in(dir), get("/"));

  CHECK(refused.status == 500);
  CHECK_FALSE(refused.file);
}

TEST_CASE("who asks for anything else is told so", "[web][files]")
{
  const TempDir dir;
  REQUIRE(replace(dir.fd, "index.html", "<p>", 0640));
  const auto site = site_in(dir);

  CHECK(answer(site, {"POST", "/", "localhost", "", ""}).status == 405);
  CHECK(answer(site, {"POST", "/", "localhost", "", ""}).headers.at("Allow") == "GET, HEAD");
  CHECK(answer(site, {"GET", "/", "", "", ""}).status == 400);
  CHECK(answer(site, {"GET", "/", "evil.example.com", "", ""}).status == 421);
  CHECK(answer(site, {"HEAD", "/", "conos", "", ""}).status == 200);
}

TEST_CASE("what a browser has is not sent again", "[web][files]")
{
  const TempDir dir;
  REQUIRE(replace(dir.fd, "index.html", "<p>", 0640));
  const auto site = site_in(dir);
  const auto first = answer(site, get("/"));
  const auto& tag = first.headers.at("ETag");
  const auto& date = first.headers.at("Last-Modified");

  CHECK(answer(site, {"GET", "/", "conos", tag, ""}).status == 304);
  CHECK(answer(site, {"GET", "/", "conos", "\"x\", W/" + tag, ""}).status == 304);
  CHECK(answer(site, {"GET", "/", "conos", "*", ""}).status == 304);
  CHECK(answer(site, {"GET", "/", "conos", "", date}).status == 304);
  CHECK(answer(site, {"GET", "/", "conos", "\"x\"", date}).status == 200);
  CHECK(text_of(answer(site, {"GET", "/", "conos", tag, ""})).empty());

  REQUIRE(replace(dir.fd, "index.html", "<b>", 0640));
  CHECK(text_of(answer(site, {"GET", "/", "conos", tag, ""})) == "<b>");
}

TEST_CASE("it answers over a socket, and ends when nobody asks", "[web][server]")
{
  const TempDir dir;
  const std::string page(300'000, 'x');
  REQUIRE(replace(dir.fd, "index.html", page, 0640));
  const auto site = site_in(dir);
  Running server(site);

  const auto got = server.ask(k_get);

  CHECK_THAT(got, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(got, Catch::Contains("\r\nConnection: close\r\n"));
  CHECK_THAT(got, Catch::Contains("\r\nContent-Length: 300000\r\n"));
  CHECK(got.substr(got.find("\r\n\r\n") + 4) == page);
  const auto head = server.ask("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(head, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(head, Catch::EndsWith("\r\n\r\n"));
  CHECK(server.end());
}

TEST_CASE("what is no request of a browser's is refused", "[web][server]")
{
  const TempDir dir;
  REQUIRE(replace(dir.fd, "index.html", "<p>", 0640));
  const auto site = site_in(dir);
  Running server(site);

  const std::string host = "Host: localhost\r\n";
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
         {"GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", "404"},
         {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host + "\r\n", "404"},
         {"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", "405"},
         {"GET / HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", "421"},
         {"GET / HTTP/1.0\r\n\r\n", "400"},
         {"GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", "414"},
         {"GET / HTTP/1.1\r\n" + host + "X: " + std::string(100'000, 'a') + "\r\n\r\n", "431"},
       }) {
    INFO(request.substr(0, 60));
    const auto got = server.ask(request);
    INFO(got.substr(0, 60));
    // where it was refused before all of it was read, the kernel may take the words back
    CHECK((got.starts_with("HTTP/1.1 " + status) || (got.empty() && request.size() > 50'000)));
    CHECK(got.find("<p>") == got.npos);
  }
}

TEST_CASE("who takes all connections and says nothing keeps nobody out", "[web][server]")
{
  const TempDir dir;
  REQUIRE(replace(dir.fd, "index.html", "<p>", 0640));
  const auto site = site_in(dir);
  Running server(site, std::chrono::seconds(4));
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(server.connect());
    (void)::send(silent.back().get(), k_get.data(), 8, MSG_NOSIGNAL);
  }

  const auto began = std::chrono::steady_clock::now();
  const auto got = server.ask(k_get);

  CHECK_THAT(got, Catch::EndsWith("<p>"));
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(15));
}
