#include "audit/input.hpp"

#include "audit/chain.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <array>
#include <optional>

namespace conos::audit {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_document = 8 * k_max_payload_bytes; // with the space in it
constexpr std::size_t k_max_batch = 1000;

// The lines that come from a descriptor, each as soon as it is complete.
class Lines
{
public:
  explicit Lines(int in)
      : m_in(in)
  {
  }

  // The next line that is not empty; nothing at the end of the input.
  Result<std::optional<std::string>> next()
  {
    for (;;) {
      CONOS_CHECK(complete_line());
      if (m_at == m_text.size()) {
        return std::optional<std::string>();
      }
      const auto end = std::min(m_text.find('\n', m_at), m_text.size());
      const auto line = trimmed(std::string_view(m_text).substr(m_at, end - m_at));
      m_at = std::min(end + 1, m_text.size());
      ++m_number;
      if (!line.empty()) {
        return std::string(line);
      }
    }
  }

  // All that follows.
  Result<std::string> rest()
  {
    while (!m_end) {
      CONOS_CHECK(read_more());
    }
    return m_text.substr(std::exchange(m_at, m_text.size()));
  }

  // True when the next line, or the news that there is none, has yet to come.
  bool would_wait() const { return !m_end && m_text.find('\n', m_at) == std::string::npos; }

  std::size_t number() const { return m_number; }

private:
  Result<> complete_line()
  {
    while (would_wait()) {
      CONOS_CHECK(read_more());
    }
    return {};
  }

  Result<> read_more()
  {
    m_text.erase(0, std::exchange(m_at, 0));
    if (m_text.size() > k_max_document) {
      return fail(Kind::bad_data, "what begins at line {} is larger than {} bytes", m_number + 1,
        k_max_document);
    }
    std::array<char, 64U << 10U> buffer;
    ssize_t got = -1;
    do {
      got = ::read(m_in, buffer.data(), buffer.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      return os_error("read the input");
    }
    m_end = got == 0;
    m_text.append(buffer.data(), static_cast<std::size_t>(got));
    return {};
  }

  int m_in;
  std::string m_text;
  std::size_t m_at = 0; // the first byte not yet taken
  std::size_t m_number = 0;
  bool m_end = false;
};

// JSON without the space between its tokens.
std::string compact(std::string_view json)
{
  std::string text;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (in_string && json[i] == '\\') {
      text += json[i++]; // with what it escapes
    } else if (json[i] == '"') {
      in_string = !in_string;
    }
    if (in_string || std::string_view(" \t\r\n").find(json[i]) == std::string_view::npos) {
      text += json[i];
    }
  }
  return text;
}

std::string payload_of_text(std::string_view text)
{
  return Json{{"text", trimmed(text)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

using Put = std::function<Result<>(const std::vector<Row>&)>;

Result<> put_one(const Row& form, std::string payload, const Put& put)
{
  auto row = form;
  row.payload = std::move(payload);
  return put({row});
}

Result<> check_line(const Row& row, const Lines& lines)
{
  if (!row.key.empty() && lines.number() > 1) {
    return fail(Kind::bad_data, "line {}: a key is for one row", lines.number());
  }
  return check_fields(row.type, row.actor, row.payload)
    .map_error(during(fmt::format("line {}", lines.number())));
}

Result<> read_lines(Lines& lines, std::string first, const Row& form, const Put& put)
{
  std::vector<Row> rows;
  for (std::optional<std::string> line = std::move(first); line;) {
    auto row = form;
    row.payload = std::move(*line);
    const auto checked = check_line(row, lines);
    if (checked) {
      rows.push_back(std::move(row));
    }
    if (!checked || rows.size() == k_max_batch || lines.would_wait()) {
      CONOS_CHECK(rows.empty() ? Result<>() : put(rows));
      rows.clear();
    }
    CONOS_CHECK(checked);
    CONOS_TRY(line, lines.next());
  }
  return rows.empty() ? Result<>() : put(rows);
}

} // namespace

Result<> read_rows(int in, const Row& form, const Put& put)
{
  Lines lines(in);
  CONOS_TRY(auto first, lines.next());
  if (!first) {
    return put_one(form, "{}", put);
  }
  if (Json::accept(*first) && first->starts_with('{')) {
    return read_lines(lines, std::move(*first), form, put);
  }
  CONOS_TRY(const auto rest, lines.rest());
  const auto all = *first + "\n" + rest;
  if (!first->starts_with('{')) {
    return put_one(form, payload_of_text(all), put);
  }
  if (!Json::accept(all)) {
    return fail(Kind::bad_data, "the input is neither one JSON object nor one on each line");
  }
  return put_one(form, compact(all), put);
}

} // namespace conos::audit
