#include "egress/hello.hpp"
#include "egress_samples.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;
using namespace conos::egress::samples;

namespace {

std::string in_records_of(const std::string& text, std::size_t size)
{
  std::string records;
  for (std::size_t at = 0; at < text.size(); at += size) {
    records += record(text.substr(at, size));
  }
  return records;
}

bool is_refused(const std::string& bytes)
{
  const auto hello = read_hello(bytes);
  return !hello && hello.error().kind == Kind::bad_data;
}

const std::string k_more = extension(10, std::string("\0\2\0\x1d", 4)) + extension(0x0a0a, "");

} // namespace

TEST_CASE("a ClientHello names its server", "[egress][hello]")
{
  const auto hello = read_hello(hello_with(k_more + server_name("A.example.org")));
  REQUIRE(hello);
  REQUIRE(*hello);
  CHECK((*hello)->server_name == "a.example.org");
}

TEST_CASE("a ClientHello may name none", "[egress][hello]")
{
  CHECK(read_hello(hello_with(k_more)).value()->server_name.empty());
  CHECK(read_hello(record(message(body_with("")))).value()->server_name.empty());
}

TEST_CASE("a ClientHello is the same however it is cut", "[egress][hello]")
{
  const auto whole = message(body_with(block(k_more + server_name("a.org"), 2)));
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    const auto records = in_records_of(whole, size);
    INFO(size);
    for (std::size_t come = 0; come < records.size(); ++come) {
      const auto partial = read_hello(records.substr(0, come));
      REQUIRE(partial);
      CHECK_FALSE(*partial);
    }
    CHECK(read_hello(records).value()->server_name == "a.org");
    // what comes behind is the server's business, in a record of its own
    CHECK(read_hello(records + "\x14\x03\x03").value()->server_name == "a.org");
  }
}

TEST_CASE("a server's name that is not one plain name is refused", "[egress][hello]")
{
  for (const std::string name : {"", ".", "a.org.", "a b", "127.0.0.1", "0x7f000001", "::1", "a/b",
         "b\xc3\xbc"
         "cher.de",
         "*.org"}) {
    INFO(name);
    CHECK(is_refused(hello_with(server_name(name))));
  }
  CHECK(is_refused(hello_with(server_name(std::string("a.org\0.b", 8)))));
  CHECK(is_refused(hello_with(server_name(std::string(300, 'a')))));
}

TEST_CASE("two names in one ClientHello are refused", "[egress][hello]")
{
  const auto entry = [](int type, const std::string& name) {
    return number(static_cast<std::size_t>(type), 1) + block(name, 2);
  };
  CHECK(is_refused(hello_with(server_name("a.org") + server_name("b.org"))));
  CHECK(is_refused(hello_with(server_name("a.org") + k_more + server_name("a.org"))));
  CHECK(is_refused(hello_with(extension(0, block(entry(0, "a.org") + entry(0, "b.org"), 2)))));
  CHECK(is_refused(hello_with(extension(0, block(entry(0, "a.org") + entry(1, "b.org"), 2)))));
  CHECK(is_refused(hello_with(extension(0, block(entry(1, "a.org"), 2)))));
  CHECK(is_refused(hello_with(extension(0, block(entry(0, "a.org"), 2) + "x"))));
  CHECK(is_refused(hello_with(extension(0, ""))));
}

TEST_CASE("a hidden name is refused", "[egress][hello]")
{
  for (const std::size_t type : {0xfe0dUL, 0xfd00UL, 0xffceUL}) {
    CHECK(is_refused(hello_with(server_name("a.org") + extension(type, "x"))));
  }
}

TEST_CASE("lengths that lie are refused", "[egress][hello]")
{
  const auto extensions = server_name("a.org");
  const auto good = body_with(block(extensions, 2));
  CHECK(is_refused(record(message(good + "x"))));                           // left over
  CHECK(is_refused(record(message(good.substr(0, good.size() - 1)))));      // cut off
  CHECK(is_refused(record(message(body_with(number(3, 2) + extensions))))); // less than there is
  CHECK(is_refused(record(message(body_with(number(9000, 2) + extensions)))));
  CHECK(is_refused(hello_with(extensions + number(5, 2) + number(100, 2) + "x")));
  CHECK(is_refused(hello_with(extensions + "\x01")));
  CHECK(is_refused(record(message(""))));
  CHECK(is_refused(record(message("\x03\x03"))));
  CHECK(is_refused(record("\x01" + number(0xffffff, 3) + good)));
  CHECK(is_refused(record(message(good) + "x"))); // something behind it in the record
  const auto whole = message(good);               // or to come in it
  CHECK(is_refused("\x16\x03\x01" + number(whole.size() + 1, 2) + whole));
  // three ciphers and a half, no compression, a session that is too long
  const auto form = [&](const std::string& session, const std::string& ciphers,
                      const std::string& compressions) {
    return record(message("\x03\x03" + std::string(32, 'r') + block(session, 1) +
                          block(ciphers, 2) + block(compressions, 1) + block(extensions, 2)));
  };
  CHECK_FALSE(is_refused(form("", "\x13\x01", std::string(1, '\0'))));
  CHECK(is_refused(form("", "\x13\x01\x13", std::string(1, '\0'))));
  CHECK(is_refused(form("", "", std::string(1, '\0'))));
  CHECK(is_refused(form("", "\x13\x01", "")));
  CHECK(is_refused(form(std::string(33, 's'), "\x13\x01", std::string(1, '\0'))));
}

TEST_CASE("what is no TLS is refused at its first byte that shows it", "[egress][hello]")
{
  CHECK(is_refused("G"));
  CHECK(is_refused("SSH-2.0-OpenSSH"));
  CHECK(is_refused("\x80\x2e\x01")); // of SSL 2
  CHECK(is_refused(std::string("\x16\x02", 2)));
  CHECK(is_refused("\x17\x03\x03"));
  CHECK(is_refused(std::string("\x16\x03\x01\x00\x00", 5)));    // an empty record
  CHECK(is_refused("\x16\x03\x01\x40\x01"));                    // one that is too long
  CHECK(is_refused(record("\x02" + block("server hello", 3)))); // another message
  CHECK(is_refused(record("\x01\x00") + "\x14\x03\x03"));       // another record in between
}

TEST_CASE("a ClientHello without end is refused", "[egress][hello]")
{
  const auto padding = extension(21, std::string(12000, '\0'));
  CHECK(read_hello(hello_with(server_name("a.org") + padding)).value());
  const auto longer = message(body_with(block(padding + extension(22, std::string(8000, 'x')), 2)));
  CHECK(is_refused(in_records_of(longer, 16000)));
  // in records of one byte, so that the heads are most of it
  const auto many = in_records_of(message(std::string(9000, 'x')), 1);
  CHECK(is_refused(many.substr(0, k_max_hello_bytes)));
}

TEST_CASE("a client that is cut off hears why", "[egress][hello]")
{
  CHECK(denial_alert().size() == 7);
}
