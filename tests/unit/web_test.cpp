#include "temp_dir.hpp"
#include "web/files.hpp"
#include "web/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

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
  CHECK(page.body == "<p>");
  CHECK(page.headers.at("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.headers.at("X-Content-Type-Options") == "nosniff");
  CHECK_THAT(page.headers.at("Content-Security-Policy"), Catch::Contains("default-src 'none'"));
  for (const auto* path : {"/other", "/index.html", "//", "/../etc/passwd", "/.", "", "/%2e%2e/",
         "http://x/", "/index.html/"}) {
    INFO(path);
    const auto refused = answer(site, get(path));
    CHECK(refused.status == 404);
    CHECK(refused.body.find("secret") == std::string::npos);
  }
}

TEST_CASE("a link in its place is not followed", "[web][files]")
{
  const TempDir dir;
  REQUIRE(::symlinkat("/etc/passwd", dir.fd.get(), "index.html") == 0);

  const auto refused = answer(site_in(dir), get("/"));

  CHECK(refused.status == 500);
  CHECK(refused.body.find("root:") == std::string::npos);
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
  CHECK(answer(site, {"GET", "/", "conos", tag, ""}).body.empty());

  REQUIRE(replace(dir.fd, "index.html", "<b>", 0640));
  CHECK(answer(site, {"GET", "/", "conos", tag, ""}).body == "<b>");
}

TEST_CASE("it answers over a socket, and ends when nobody asks", "[web][server]")
{
  const TempDir dir;
  REQUIRE(replace(dir.fd, "index.html", "<p>hello</p>", 0640));
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(listener.get(), 16) == 0);
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);

  std::string got;
  std::thread browser([&] {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)) == 0 &&
        ::send(fd.get(), request.data(), request.size(), 0) > 0) {
      std::array<char, 4096> part{};
      for (ssize_t n = 0; (n = ::recv(fd.get(), part.data(), part.size(), 0)) > 0;) {
        got.append(part.data(), static_cast<std::size_t>(n));
      }
    }
  });
  const auto site = site_in(dir);
  const auto ended = serve(site, std::move(listener), std::chrono::milliseconds(1500));
  browser.join();

  CHECK(ended);
  CHECK_THAT(got, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(got, Catch::EndsWith("<p>hello</p>"));
}
