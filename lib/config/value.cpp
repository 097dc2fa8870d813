#include "config/value.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace conos::config {

namespace {

class Reading
{
public:
  Reading(const Key& key, const toml::node& node, std::vector<Complaint>& complaints)
      : m_key(key)
      , m_node(node)
      , m_complaints(complaints)
  {
  }

  std::optional<Setting> read()
  {
    switch (m_key.type) {
    case Type::boolean:
      return plain<bool>();
    case Type::integer:
      return integer();
    case Type::number:
      return number();
    case Type::ports:
      return ports();
    case Type::table:
      return m_node.is_table() ? std::optional(Setting{std::string(), {}, {}}) : wrong_kind();
    case Type::texts:
    case Type::layers:
    case Type::scopes:
    case Type::variables:
    case Type::durations:
    case Type::taskees:
    case Type::hosts:
    case Type::requests:
      return texts();
    case Type::text:
    case Type::choice:
    case Type::agent:
    case Type::path:
    case Type::program:
    case Type::size:
    case Type::percent:
    case Type::duration:
    case Type::cron:
    case Type::regex:
      break;
    }
    return text();
  }

private:
  void complain(const toml::node& node, std::string text)
  {
    m_complaints.push_back({place_of(node.source()), std::move(text)});
  }

  std::optional<Setting> wrong_kind()
  {
    complain(m_node, fmt::format("is {}, not {}", kind_of(m_node), wanted_by(m_key)));
    return std::nullopt;
  }

  template<class T>
  std::optional<Setting> plain()
  {
    const auto value = m_node.value_exact<T>();
    return value ? std::optional(Setting{Value(*value), {}, {}}) : wrong_kind();
  }

  std::optional<Setting> integer()
  {
    const auto value = m_node.value_exact<std::int64_t>();
    if (value && (*value < m_key.least || *value > m_key.most)) {
      complain(m_node, fmt::format("{} is not from {} to {}", *value, m_key.least, m_key.most));
      return std::nullopt;
    }
    return plain<std::int64_t>();
  }

  std::optional<Setting> number()
  {
    if (!m_node.is_number()) {
      return wrong_kind();
    }
    const double value = m_node.value<double>().value_or(-1);
    if (!(value >= 0 && value <= k_most_number)) { // written so that nan is caught
      complain(m_node, "is not a number from 0 on");
      return std::nullopt;
    }
    return Setting{Value(value), {}, {}};
  }

  std::optional<Setting> text()
  {
    const auto value = m_node.value_exact<std::string>();
    if (!value) {
      return wrong_kind();
    }
    if (const auto wrong = value->empty() ? "" : complaint(m_key, *value); !wrong.empty()) {
      complain(m_node, fmt::format("'{}' {}", escaped(*value, 80), wrong));
      return std::nullopt;
    }
    return Setting{Value(*value), {}, {}};
  }

  std::optional<Setting> texts()
  {
    const auto* array = m_node.as_array();
    if (array == nullptr) {
      return wrong_kind();
    }
    std::vector<std::string> values;
    std::vector<Place> places;
    for (const auto& item : *array) {
      const auto value = item.value_exact<std::string>();
      const auto wrong = value ? complaint(m_key, *value) : "";
      if (!value) {
        complain(item, fmt::format("holds {}, and is to be {}", kind_of(item), wanted_by(m_key)));
      } else if (!wrong.empty()) {
        complain(item, fmt::format("'{}' {}", escaped(*value, 80), wrong));
      } else {
        values.push_back(*value);
        places.push_back(place_of(item.source()));
      }
    }
    return Setting{Value(std::move(values)), {}, std::move(places)};
  }

  std::optional<Setting> ports()
  {
    constexpr std::int64_t k_last_port = 65535;
    const auto* array = m_node.as_array();
    if (array == nullptr) {
      return wrong_kind();
    }
    std::vector<std::int64_t> values;
    for (const auto& item : *array) {
      const auto value = item.value_exact<std::int64_t>();
      if (!value || *value < 1 || *value > k_last_port) {
        complain(item, "holds what is not a port from 1 to 65535");
        continue;
      }
      values.push_back(*value);
    }
    return Setting{Value(std::move(values)), {}, {}};
  }

  const Key& m_key;
  const toml::node& m_node;
  std::vector<Complaint>& m_complaints;
};

} // namespace

std::optional<Setting> read_value(
  const Key& key, const toml::node& node, std::vector<Complaint>& complaints)
{
  return Reading(key, node, complaints).read();
}

Place place_of(const toml::source_region& source)
{
  return {static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}

std::string_view kind_of(const toml::node& node)
{
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::string:
    return "a text";
  case toml::node_type::integer:
    return "a whole number";
  case toml::node_type::floating_point:
    return "a number with a fraction";
  case toml::node_type::boolean:
    return "true or false";
  case toml::node_type::date:
  case toml::node_type::time:
  case toml::node_type::date_time:
    return "a date or time";
  case toml::node_type::none:
    break;
  }
  return "nothing";
}

Value fallback_of(const Key& key)
{
  assert(!key.fallback.empty());
  const auto root = toml::parse("x = " + std::string(key.fallback)); // our own text: cannot fail
  std::vector<Complaint> complaints;
  auto setting = read_value(key, *root.get("x"), complaints);
  assert(setting);
  return std::move(setting->value);
}

} // namespace conos::config
