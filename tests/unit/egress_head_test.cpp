#include "egress/head.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;

namespace {

Request request_of(const std::string& text)
{
  INFO(text);
  const auto request = read_head(text);
  REQUIRE(request);
  REQUIRE(*request);
  return **request;
}

std::string get(const std::string& fields)
{
  return "GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\n" + fields + "\r\n";
}

bool is_refused(const std::string& text)
{
  INFO(text);
  const auto request = read_head(text);
  return !request && request.error().kind == Kind::bad_data;
}

} // namespace

TEST_CASE("a CONNECT says where to", "[egress][head]")
{
  const auto request =
    request_of("CONNECT A.org:443 HTTP/1.1\r\nHost: A.org:443\r\nUser-Agent: x\r\n\r\nrest");
  CHECK(request.is_connect());
  CHECK(request.target == Target{"a.org", 443});
  CHECK(request.head_bytes == 62);
  CHECK(request_of("CONNECT a.org:443 HTTP/1.0\r\n\r\n").is_connect());
}

TEST_CASE("an http: address becomes a request to its server", "[egress][head]")
{
  const auto request = request_of("POST HTTP://a.org:8080/b?c=d HTTP/1.1\r\nHost: a.org:8080\r\n"
                                  "Accept: */*\r\nContent-Length: 3\r\n\r\nabc");
  CHECK_FALSE(request.is_connect());
  CHECK(request.target == Target{"a.org", 8080});
  CHECK(request.framing == Framing::length);
  CHECK(request.body_bytes == 3);
  CHECK(head_for_server(request) == "POST /b?c=d HTTP/1.1\r\nHost: a.org:8080\r\nAccept: */*\r\n"
                                    "Content-Length: 3\r\nConnection: close\r\n\r\n");
  CHECK(request_of("GET http://a.org HTTP/1.1\r\nHost: a.org\r\n\r\n").path == "/");
  CHECK(request_of("GET http://a.org?b HTTP/1.1\r\nHost: a.org:80\r\n\r\n").path == "/?b");
  CHECK(request_of("GET http://a.org/@b:1/http://c HTTP/1.0\r\n\r\n").target.host == "a.org");
}

TEST_CASE("what is between the client and us stays here", "[egress][head]")
{
  const auto request =
    request_of(get("Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n"
                   "Connection: keep-alive, X-Mine,accept\r\nX-Mine: 1\r\nAccept: b\r\n"
                   "Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nX-Kept: "
                   "2\r\n"));
  CHECK(head_for_server(request) ==
        "GET / HTTP/1.1\r\nHost: a.org\r\nX-Kept: 2\r\nConnection: close\r\n\r\n");
}

TEST_CASE("Connection cannot take away what says where the body ends", "[egress][head]")
{
  const auto request = request_of(get("Connection: Content-Length, Host\r\nContent-Length: 5\r\n"));
  CHECK(request.framing == Framing::length);
  CHECK(head_for_server(request).find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(head_for_server(request).find("Host: a.org\r\n") != std::string::npos);
}

TEST_CASE("a head that goes on is waited for, up to its bound", "[egress][head]")
{
  CHECK_FALSE(read_head("").value());
  CHECK_FALSE(read_head("CONNECT a.org:443 HT").value());
  CHECK_FALSE(read_head("CONNECT a.org:443 HTTP/1.1\r\nHost: a").value());
  const auto filler = "X: " + std::string(k_max_head_bytes, 'a');
  CHECK(is_refused(get(filler + "\r\n")));
  CHECK(is_refused("GET http://a.org/" + std::string(k_max_head_bytes, 'a')));
}

TEST_CASE("another protocol is told at once", "[egress][head]")
{
  CHECK(is_refused(std::string("\x16\x03\x01\x02\x00", 5)));
  CHECK(is_refused("\r\n"));
  CHECK(is_refused("get"));
}

TEST_CASE("a request that could be read in two ways is refused", "[egress][head]")
{
  for (const std::string text : {
         "GET / HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "OPTIONS * HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET https://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET ftp://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http:/a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http://user:pw@a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http://a.org#@b.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http://a.org\\@b.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http://a.org/\xc3\xbc HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost: b.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost: a.org:81\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\nHost: a.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost: a.org\r\nhost: b.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\nHost: a.org\n\n\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\nHost : a.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1\r\n Host: a.org\r\n\r\n",
         "GET http://a.org/ HTTP/2.0\r\nHost: a.org\r\n\r\n",
         "GET http://a.org/ HTTP/1.1 \r\nHost: a.org\r\n\r\n",
         "GET  http://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "GET\thttp://a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n",
         "CONNECT a.org HTTP/1.1\r\n\r\n",
         "CONNECT http://a.org:443 HTTP/1.1\r\n\r\n",
         "CONNECT a.org:443/ HTTP/1.1\r\n\r\n",
         "CONNECT user@a.org:443 HTTP/1.1\r\n\r\n",
         "CONNECT a.org:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
         "CONNECT a.org:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "connect a.org:443 HTTP/1.1\r\n\r\n",
       }) {
    CHECK(is_refused(text));
  }
  for (const auto* fields : {
         "Content-Length: 5\r\nContent-Length: 5\r\n",
         "Content-Length: 5\r\nContent-Length: 6\r\n",
         "Content-Length: 5, 5\r\n",
         "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
         "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         "Transfer-Encoding: gzip, chunked\r\n",
         "Transfer-Encoding: chunked, identity\r\n",
         "Transfer-Encoding: identity\r\n",
         "Transfer-Encoding: \x0b"
         "chunked\r\n",
         "Content-Length: -1\r\n",
         "Content-Length: +5\r\n",
         "Content-Length: 0x5\r\n",
         "Content-Length: 99999999999999999999\r\n",
         "Content-Length:\r\n",
         "Content-Length : 5\r\n",
         "X: a\rb\r\n",
         "X: a\nY: b\r\n",
         "X: a\x01\r\n",
         "X: a\x7f\r\n",
         "X\x01: a\r\n",
         ": a\r\n",
       }) {
    CHECK(is_refused(get(fields)));
  }
  CHECK(is_refused(get(std::string("X: a\0b\r\n", 8))));
}

TEST_CASE("nothing of a password in an address is repeated", "[egress][head]")
{
  const auto request = read_head("GET http://user:secret@a.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n");
  REQUIRE_FALSE(request);
  CHECK(request.error().text().find("secret") == std::string::npos);
}

TEST_CASE("a folded field comes out on one line", "[egress][head]")
{
  const auto head = head_for_server(request_of(get("X-Long: a\r\n b\r\n")));
  CHECK(head.find("\r\n ") == std::string::npos);
}
