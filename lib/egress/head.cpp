#include "egress/head.hpp"

#include "sys/text.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace conos::egress {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;

// A field's name in small letters, its name as it was written, its value.
struct Field {
  std::string key;
  std::string name;
  std::string value;
};

struct Head {
  std::string method;
  std::string target;
  int version = 0; // 10 or 11
  std::vector<Field> fields;
};

std::string text_of(beast::string_view text)
{
  return {text.data(), text.size()};
}

// Keeps what Beast finds: names that are tokens, values without control characters. What of it is
// to be believed is decided below.
class Parser final : public http::basic_parser<true>
{
public:
  Head head;

private:
  void on_request_impl(http::verb /*verb*/, beast::string_view method, beast::string_view target,
    int version, beast::error_code& /*error*/) override
  {
    head.method = text_of(method);
    head.target = text_of(target);
    head.version = version;
  }
  void on_field_impl(http::field /*field*/, beast::string_view name, beast::string_view value,
    beast::error_code& /*error*/) override
  {
    head.fields.push_back({lower(text_of(name)), text_of(name), text_of(value)});
  }
  // NOLINTBEGIN(readability-named-parameter): only the head is read
  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override
  {
    return 0;
  }
  void on_finish_impl(beast::error_code&) override {}
  // NOLINTEND(readability-named-parameter)
};

Result<Head> parse(std::string_view text)
{
  Parser parser;
  beast::error_code error;
  parser.header_limit(k_max_head_bytes);
  parser.put(boost::asio::const_buffer(text.data(), text.size()), error);
  if (error || !parser.is_header_done()) {
    return fail(Kind::bad_data, "not an HTTP request: {}", error ? error.message() : "no end");
  }
  return std::move(parser.head);
}

bool is_visible(char c)
{
  return c > ' ' && c < 0x7f;
}

std::vector<const Field*> fields_named(const Head& head, std::string_view key)
{
  std::vector<const Field*> found;
  for (const auto& field : head.fields) {
    if (field.key == key) {
      found.push_back(&field);
    }
  }
  return found;
}

Result<> read_framing(const Head& head, Request& request)
{
  const auto lengths = fields_named(head, "content-length");
  const auto codings = fields_named(head, "transfer-encoding");
  if (lengths.size() + codings.size() > 1) {
    return fail(Kind::bad_data, "the length of the body is said twice");
  }
  if (!lengths.empty()) {
    const auto& digits = lengths.front()->value;
    constexpr std::size_t k_longest = 18; // digits, within 64 bits
    const bool is_number = !digits.empty() && digits.size() <= k_longest &&
                           std::all_of(digits.begin(), digits.end(), [](char c) {
                             return c >= '0' && c <= '9';
                           });
    if (!is_number) {
      return fail(Kind::bad_data, "the length of the body is no number");
    }
    request.framing = Framing::length;
    request.body_bytes = std::stoull(digits);
  }
  if (!codings.empty()) {
    if (lower(codings.front()->value) != "chunked" || head.version < 11) {
      return fail(Kind::bad_data, "the only transfer coding there is is chunked, of HTTP/1.1");
    }
    request.framing = Framing::chunked;
  }
  return {};
}

// Between two neighbours, not for the server; with what Connection names beside it.
bool is_for_us(const Head& head, const std::string& key)
{
  constexpr std::array<std::string_view, 12> k_ours{"connection", "proxy-connection", "keep-alive",
    "proxy-authorization", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade",
    "host", "content-length", "http2-settings"};
  if (std::find(k_ours.begin(), k_ours.end(), key) != k_ours.end()) {
    return true;
  }
  for (const auto* field : fields_named(head, "connection")) {
    for (const auto name : split(field->value, ',')) {
      if (lower(trimmed(name)) == key) {
        return true;
      }
    }
  }
  return false;
}

Result<> read_connect(const Head& head, Request& request)
{
  const bool has_body = request.framing == Framing::chunked || request.body_bytes > 0;
  if (has_body) {
    return fail(Kind::bad_data, "a CONNECT with a body");
  }
  CONOS_TRY(request.target, parse_target(head.target));
  return {};
}

Result<> read_address(const Head& head, Request& request)
{
  constexpr std::string_view k_scheme = "http://";
  if (starts_with_ignoring_case(head.target, "https://")) {
    return fail(Kind::bad_data, "an https: address is asked for by CONNECT");
  }
  if (!starts_with_ignoring_case(head.target, k_scheme)) {
    return fail(Kind::bad_data, "this is a proxy: it takes CONNECT host:port and http: addresses");
  }
  const auto rest = std::string_view(head.target).substr(k_scheme.size());
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  CONOS_TRY(request.target, parse_target(rest.substr(0, end), k_http_port));
  request.path = rest.substr(end);
  if (!request.path.starts_with('/')) {
    request.path.insert(0, "/");
  }
  const bool is_plain = std::all_of(request.path.begin(), request.path.end(), is_visible);
  if (!is_plain || request.path.find('#') != request.path.npos) {
    return fail(Kind::bad_data, "an address with characters in it that belong into none");
  }
  const auto hosts = fields_named(head, "host");
  if (hosts.size() > 1 || (hosts.empty() && head.version >= 11)) {
    return fail(Kind::bad_data, "{} Host fields", hosts.size());
  }
  if (!hosts.empty()) {
    CONOS_TRY(const auto host, parse_target(hosts.front()->value, k_http_port));
    if (host != request.target) {
      return fail(Kind::bad_data, "the address is for {} and the field Host says {}",
        to_string(request.target), to_string(host));
    }
  }
  return {};
}

} // namespace

Result<std::optional<Request>> read_head(std::string_view bytes)
{
  const auto end = bytes.find("\r\n\r\n");
  const auto size = end == bytes.npos ? bytes.size() : end + 4;
  if (size > k_max_head_bytes || (end == bytes.npos && size == k_max_head_bytes)) {
    return fail(Kind::bad_data, "the head has more than {} bytes", k_max_head_bytes);
  }
  if (end == bytes.npos) {
    // a letter, or it is another protocol and its client would wait for our timeout
    const bool is_text = bytes.empty() || (bytes[0] >= 'A' && bytes[0] <= 'Z');
    return is_text ? Result<std::optional<Request>>(std::nullopt)
                   : fail(Kind::bad_data, "not an HTTP request");
  }
  CONOS_TRY(const auto head, parse(bytes.substr(0, size)));
  Request request;
  request.method = head.method;
  request.head_bytes = size;
  CONOS_CHECK(read_framing(head, request));
  CONOS_CHECK(head.method == "CONNECT" ? read_connect(head, request) : read_address(head, request));
  for (const auto& field : head.fields) {
    if (!is_for_us(head, field.key)) {
      request.fields.emplace_back(field.name, field.value);
    }
  }
  return request;
}

std::string head_for_server(const Request& request)
{
  const auto& target = request.target;
  auto text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.path,
    target.port == k_http_port ? target.host : to_string(target));
  for (const auto& [name, value] : request.fields) {
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (request.framing == Framing::length) {
    text += fmt::format("Content-Length: {}\r\n", request.body_bytes);
  } else if (request.framing == Framing::chunked) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  return text + "Connection: close\r\n\r\n";
}

} // namespace conos::egress
