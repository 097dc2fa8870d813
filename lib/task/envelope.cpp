#include "task/envelope.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

namespace conos {

namespace {

constexpr std::string_view k_magic = "conos-task/1";
constexpr std::size_t k_max_header_lines = 64;
constexpr std::size_t k_max_value_bytes = 1024;

// Takes the first line off `text`; a last line without a newline is a line.
std::string_view take_line(std::string_view& text)
{
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

bool has_magic(std::string_view text)
{
  return take_line(text) == k_magic;
}

Result<> set_time(std::optional<Time>& into, std::string_view value)
{
  CONOS_TRY(into, parse_rfc3339(value));
  return {};
}

Result<> set_priority(Envelope& envelope, std::string_view value)
{
  if (value.size() != 1 || value[0] < '0' || value[0] > '9') {
    return fail(Kind::bad_data, "Priority is a digit from 0 to 9, not '{}'", escaped(value));
  }
  envelope.priority = value[0] - '0';
  return {};
}

Result<> set_reply(Envelope& envelope, std::string_view value)
{
  if (value != "outbox" && value != "inbox") {
    return fail(Kind::bad_data, "Reply is outbox or inbox, not '{}'", escaped(value));
  }
  envelope.reply = value;
  return {};
}

std::optional<std::string>* text_field(Envelope& envelope, std::string_view key)
{
  if (key == "title") {
    return &envelope.title;
  }
  if (key == "to") {
    return &envelope.to;
  }
  if (key == "thread") {
    return &envelope.thread;
  }
  if (key == "channel") {
    return &envelope.channel;
  }
  if (key == "transport") {
    return &envelope.transport;
  }
  if (key == "source") {
    return &envelope.source;
  }
  if (key == "speaker") {
    return &envelope.from;
  }
  return nullptr;
}

Result<> set_field(Envelope& envelope, std::string_view line)
{
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return fail(Kind::bad_data, "'{}' is not a line 'Key: value'", escaped(line, 80));
  }
  const auto key = lower(trimmed(line.substr(0, colon)));
  const auto value = trimmed(line.substr(colon + 1));
  if (value.size() > k_max_value_bytes) {
    return fail(Kind::bad_data, "the value of {} is larger than {} bytes", escaped(key, 40),
      k_max_value_bytes);
  }
  if (auto* field = text_field(envelope, key); field != nullptr) {
    *field = value;
    return {};
  }
  if (key == "deadline") {
    return set_time(envelope.deadline, value);
  }
  if (key == "not-before") {
    return set_time(envelope.not_before, value);
  }
  if (key == "priority") {
    return set_priority(envelope, value);
  }
  if (key == "reply") {
    return set_reply(envelope, value);
  }
  if (key == "from" || key == "trust" || key == "hop" || key == "parent") {
    envelope.claimed["claimed_" + key] = value;
  }
  return {};
}

void add_line(std::string& text, std::string_view key, const std::optional<std::string>& value)
{
  if (value) {
    // a newline in a value would end it and begin another key
    text += fmt::format("{}: {}\n", key, escaped(*value, k_max_value_bytes));
  }
}

} // namespace

Result<Envelope> parse_envelope(std::string_view text)
{
  Envelope envelope;
  if (!has_magic(text)) {
    envelope.body = text;
    return envelope;
  }
  (void)take_line(text);
  for (std::size_t lines = 0;; ++lines) {
    if (text.empty()) {
      return fail(Kind::bad_data, "the header has no empty line at its end");
    }
    const auto line = take_line(text);
    if (line.empty()) {
      envelope.body = text;
      return envelope;
    }
    if (lines == k_max_header_lines) {
      return fail(Kind::bad_data, "the header has more than {} lines", k_max_header_lines);
    }
    CONOS_CHECK(set_field(envelope, line));
  }
}

std::string to_text(const Envelope& envelope)
{
  std::string header;
  add_line(header, "Title", envelope.title);
  add_line(header, "To", envelope.to);
  add_line(header, "Thread", envelope.thread);
  add_line(header, "Channel", envelope.channel);
  add_line(header, "Transport", envelope.transport);
  add_line(header, "Source", envelope.source);
  add_line(header, "Speaker", envelope.from);
  if (const auto parent = envelope.claimed.find("claimed_parent");
      parent != envelope.claimed.end()) {
    add_line(header, "Parent", parent->second);
  }
  add_line(header, "Reply", envelope.reply);
  if (envelope.deadline) {
    header += "Deadline: " + rfc3339(*envelope.deadline) + "\n";
  }
  if (envelope.not_before) {
    header += "Not-Before: " + rfc3339(*envelope.not_before) + "\n";
  }
  if (envelope.priority) {
    header += fmt::format("Priority: {}\n", *envelope.priority);
  }
  if (header.empty() && !has_magic(envelope.body)) {
    return envelope.body;
  }
  return fmt::format("{}\n{}\n{}", k_magic, header, envelope.body);
}

Result<> add_sidecar(Envelope& envelope, std::string_view text)
{
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return fail(Kind::bad_data, "the sidecar is not a JSON object");
  }
  const auto fill = [&](std::optional<std::string>& field, const char* key) {
    const auto found = json.find(key);
    if (!field && found != json.end() && found->is_string()) {
      const auto value = found->get<std::string>();
      if (const auto clean = trimmed(value); !clean.empty() && clean.size() <= k_max_value_bytes) {
        field = clean;
      }
    }
  };
  fill(envelope.thread, "thread_id");
  fill(envelope.from, "from");
  fill(envelope.channel, "channel");
  fill(envelope.transport, "transport");
  fill(envelope.source, "source");
  return {};
}

} // namespace conos
