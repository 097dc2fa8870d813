#include "egress/chunks.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;

TEST_CASE("a chunked body ends where it says", "[egress][chunks]")
{
  const std::string body = "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n";
  const std::string text = body + "GET http://b/ HTTP/1.1\r\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    ChunkReader reader;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < text.size(); at += size) {
      const auto piece = reader.take(std::string_view(text).substr(at, size));
      REQUIRE(piece);
      taken += *piece;
    }
    CHECK(taken == body.size());
    CHECK(reader.is_done());
  }
}

TEST_CASE("a chunked body is read in one way only", "[egress][chunks]")
{
  for (const auto* text :
    {"\r\n", "g\r\n", "-1\r\n", "+5\r\n", " 5\r\n", "5 \r\n", "5\n", "0x5\r\n", "5;a=b\r\n",
      "5\r\nhelloX", "5\r\nhello\nX", "0\r\nTrailer: x\r\n", "1234567890123456\r\n", "5\r\r\n"}) {
    INFO(text);
    ChunkReader reader;
    CHECK_FALSE(reader.take(text));
  }
}
