#pragma once

#include <string>

// A ClientHello, piece by piece (RFC 8446, section 4.1.2).
namespace conos::egress::samples {

inline std::string number(std::size_t value, int size)
{
  std::string text;
  for (int i = size - 1; i >= 0; --i) {
    text += static_cast<char>(value >> (8 * i));
  }
  return text;
}

inline std::string block(const std::string& text, int size)
{
  return number(text.size(), size) + text;
}

inline std::string extension(std::size_t type, const std::string& body)
{
  return number(type, 2) + block(body, 2);
}

inline std::string server_name(const std::string& name)
{
  return extension(0, block(number(0, 1) + block(name, 2), 2));
}

inline std::string body_with(const std::string& extensions)
{
  return "\x03\x03" + std::string(32, 'r') + block(std::string(32, 's'), 1) +
         block("\x13\x01\x13\x02", 2) + block(std::string(1, '\0'), 1) + extensions;
}

inline std::string message(const std::string& body)
{
  return "\x01" + block(body, 3);
}

inline std::string record(const std::string& piece)
{
  return "\x16\x03\x01" + block(piece, 2);
}

inline std::string hello_with(const std::string& extensions)
{
  return record(message(body_with(block(extensions, 2))));
}

} // namespace conos::egress::samples
