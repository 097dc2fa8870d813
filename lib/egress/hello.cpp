#include "egress/hello.hpp"

#include "config/egress_door.hpp"
#include "sys/text.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace conos::egress {

namespace {

// RFC 8446 and its registries.
constexpr std::uint8_t k_handshake = 22;
constexpr std::uint8_t k_client_hello = 1;
constexpr std::uint8_t k_major_version = 3;
constexpr std::size_t k_record_head = 5;
constexpr std::size_t k_handshake_head = 4;
constexpr std::size_t k_max_record = 1U << 14U;
constexpr std::size_t k_random = 32;
constexpr std::size_t k_max_session = 32;
constexpr std::uint32_t k_server_name = 0;
constexpr std::uint32_t k_encrypted_client_hello = 0xfe0d;
constexpr std::uint32_t k_outer_extensions = 0xfd00;
constexpr std::uint32_t k_encrypted_server_name = 0xffce; // what was before ECH
constexpr std::uint8_t k_host_name = 0;

std::uint8_t byte_at(std::string_view bytes, std::size_t place)
{
  return static_cast<std::uint8_t>(bytes[place]);
}

// Takes things from the front; once something was not there, nothing is.
class Reader
{
public:
  explicit Reader(std::string_view bytes)
      : m_bytes(bytes)
  {
  }

  bool is_good() const { return m_is_good; }
  bool is_at_end() const { return m_is_good && m_bytes.empty(); }

  std::string_view take(std::size_t size)
  {
    m_is_good = m_is_good && size <= m_bytes.size();
    if (!m_is_good) {
      return {};
    }
    const auto taken = m_bytes.substr(0, size);
    m_bytes.remove_prefix(size);
    return taken;
  }

  std::uint32_t number(std::size_t size)
  {
    std::uint32_t value = 0;
    for (const char c : take(size)) {
      value = value << 8U | static_cast<std::uint8_t>(c);
    }
    return value;
  }

  // What a length of `size` bytes stands before.
  std::string_view block(std::size_t size) { return take(number(size)); }

private:
  std::string_view m_bytes;
  bool m_is_good = true;
};

tl::unexpected<Error> no_hello(const char* why)
{
  return fail(Kind::bad_data, "no TLS ClientHello that can be read: {}", why);
}

Result<std::string> server_name_of(std::string_view extension)
{
  Reader reader(extension);
  Reader list(reader.block(2));
  const auto type = list.number(1);
  auto name = lower(list.block(2));
  if (!reader.is_at_end() || !list.is_at_end() || type != k_host_name || !is_host_name(name)) {
    return no_hello("its server name is not one plain name");
  }
  return name;
}

Result<Hello> hello_of(std::string_view body)
{
  Reader reader(body);
  const auto version = reader.number(2);
  (void)reader.take(k_random);
  const auto session = reader.block(1);
  const auto ciphers = reader.block(2);
  const auto compressions = reader.block(1);
  const bool has_extensions = reader.is_good() && !reader.is_at_end();
  Reader extensions(has_extensions ? reader.block(2) : std::string_view());
  if (!reader.is_at_end() || version >> 8U != k_major_version || session.size() > k_max_session ||
      ciphers.empty() || ciphers.size() % 2 != 0 || compressions.empty()) {
    return no_hello("its form is wrong");
  }
  Hello hello;
  std::vector<std::uint32_t> seen;
  while (extensions.is_good() && !extensions.is_at_end()) {
    const auto type = extensions.number(2);
    const auto extension = extensions.block(2);
    seen.push_back(type);
    if (type == k_encrypted_client_hello || type == k_outer_extensions ||
        type == k_encrypted_server_name) {
      return no_hello("it hides the server's name (ECH)");
    }
    if (type == k_server_name && extensions.is_good()) {
      CONOS_TRY(hello.server_name, server_name_of(extension));
    }
  }
  std::sort(seen.begin(), seen.end());
  if (!extensions.is_at_end() || std::adjacent_find(seen.begin(), seen.end()) != seen.end()) {
    return no_hello("its extensions are cut off, or one is there twice");
  }
  return hello;
}

// The body of the ClientHello, out of its records. Nothing: there is more to come.
Result<std::optional<std::string>> first_message(std::string_view bytes)
{
  std::string message;
  std::size_t wanted = k_handshake_head;
  while (message.size() < wanted) {
    if ((!bytes.empty() && byte_at(bytes, 0) != k_handshake) ||
        (bytes.size() > 1 && byte_at(bytes, 1) != k_major_version)) {
      return no_hello("it is no TLS handshake");
    }
    if (bytes.size() < k_record_head) {
      return std::nullopt;
    }
    const auto length = Reader(bytes.substr(k_record_head - 2)).number(2);
    if (length == 0 || length > k_max_record) {
      return no_hello("a record is empty or too long");
    }
    const auto piece = bytes.substr(k_record_head, length);
    bytes.remove_prefix(k_record_head + piece.size());
    message += piece;
    if (!message.empty() && byte_at(message, 0) != k_client_hello) {
      return no_hello("another message comes first");
    }
    if (message.size() >= k_handshake_head) {
      wanted = k_handshake_head + Reader(std::string_view(message).substr(1)).number(3);
    }
    const bool is_cut = piece.size() < length;
    if (message.size() > wanted || (message.size() == wanted && is_cut)) {
      return no_hello("something follows in the same record");
    }
    if (wanted > k_max_hello_bytes - k_record_head) {
      return no_hello("it is too long");
    }
    if (is_cut) {
      return std::nullopt;
    }
  }
  return message.substr(k_handshake_head);
}

} // namespace

Result<std::optional<Hello>> read_hello(std::string_view bytes)
{
  const bool is_all_there_may_be = bytes.size() >= k_max_hello_bytes;
  CONOS_TRY(const auto message, first_message(bytes));
  if (message) {
    return hello_of(*message);
  }
  if (is_all_there_may_be) {
    return no_hello("it is too long");
  }
  return std::optional<Hello>();
}

std::string_view denial_alert()
{
  // alert, TLS 1.2, 2 bytes: fatal, access_denied
  static constexpr char k_alert[] = "\x15\x03\x03\x00\x02\x02\x31";
  return {k_alert, sizeof k_alert - 1};
}

} // namespace conos::egress
