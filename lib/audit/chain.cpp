#include "audit/chain.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::audit {

namespace {

bool is_small(char c)
{
  return c >= 'a' && c <= 'z';
}

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_word(char c)
{
  return is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

template<class Is>
bool all(std::string_view text, const Is& is)
{
  return !text.empty() && std::all_of(text.begin(), text.end(), is);
}

bool is_user(std::string_view text)
{
  return !text.empty() && is_word(text.front()) && all(text, [](char c) {
    return is_word(c) || c == '.' || c == '-' || c == '@' || c == '$';
  });
}

bool is_program(std::string_view text)
{
  return !text.empty() && is_small(text.front()) && all(text, [](char c) {
    return is_small(c) || is_digit(c) || c == '-';
  });
}

bool is_control(char c)
{
  return static_cast<unsigned char>(c) < 0x20;
}

// How deep brackets nest in what is JSON otherwise.
std::size_t depth_of(std::string_view json)
{
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

} // namespace

std::string preimage(const Fields& fields, const Digest& prev)
{
  const fmt::format_int id(fields.id);
  std::string text;
  text.reserve(id.size() + fields.ts.size() + fields.type.size() + fields.actor.size() +
               fields.payload.size() + 2 * prev.size() + 5);
  text.append(id.data(), id.size());
  for (const auto field : {fields.ts, fields.type, fields.actor, fields.payload}) {
    text += '|';
    text += field;
  }
  text += '|';
  text += hex(prev);
  return text;
}

Digest chain_hash(const Fields& fields, const Digest& prev)
{
  return sha256(preimage(fields, prev));
}

bool is_type(std::string_view text)
{
  const auto dot = text.find('.');
  return dot != std::string_view::npos && text.size() <= k_max_name_bytes &&
         all(text.substr(0, dot), is_small) && all(text.substr(dot + 1), [](char c) {
           return is_small(c) || c == '_';
         });
}

bool is_actor(std::string_view text)
{
  if (text.size() > k_max_name_bytes) {
    return false;
  }
  if (text.starts_with("uid:")) {
    return all(text.substr(4), is_digit);
  }
  const auto slash = text.find('/');
  return is_user(text.substr(0, slash)) &&
         (slash == std::string_view::npos || is_program(text.substr(slash + 1)));
}

bool is_timestamp(std::string_view text)
{
  constexpr std::string_view k_form = "0000-00-00T00:00:00.000Z";
  return std::equal(text.begin(), text.end(), k_form.begin(), k_form.end(), [](char c, char form) {
    return form == '0' ? is_digit(c) : c == form;
  });
}

bool is_payload(std::string_view text)
{
  // A raw line break could only be space between two tokens, and would make two lines of one row
  // in every listing. accept() keeps no more than one bit for each level.
  return text.size() <= k_max_payload_bytes && trimmed(text).starts_with('{') &&
         std::none_of(text.begin(), text.end(), is_control) &&
         depth_of(text) <= k_max_payload_depth && nlohmann::json::accept(text);
}

bool is_nested_little(std::string_view json)
{
  return depth_of(json) <= k_max_payload_depth + 1;
}

Result<> check_fields(std::string_view type, std::string_view actor, std::string_view payload)
{
  if (!is_type(type)) {
    return fail(Kind::bad_data, "'{}' is not an event type such as backup.done", escaped(type));
  }
  if (!is_actor(actor)) {
    return fail(
      Kind::bad_data, "'{}' is not an actor: a user name, uid:N or user/program", escaped(actor));
  }
  if (payload.size() > k_max_payload_bytes) {
    return fail(Kind::bad_data, "the payload of {} has {} bytes, more than {}", type,
      payload.size(), k_max_payload_bytes);
  }
  if (!is_payload(payload)) {
    return fail(Kind::bad_data, "the payload of {} is not a JSON object on one line: '{}'", type,
      escaped(payload, 80));
  }
  return {};
}

Result<> check_key(std::string_view key)
{
  if (key.size() > k_max_key_bytes || !is_utf8(key) ||
      std::any_of(key.begin(), key.end(), is_control)) {
    return fail(Kind::bad_data, "'{}' is not a key: a line of at most {} bytes", escaped(key, 80),
      k_max_key_bytes);
  }
  return {};
}

} // namespace conos::audit
