#include "audit/why.hpp"

#include "audit/bodies.hpp"
#include "audit/chain.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace conos::audit {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_largest_request = 64U << 20U;

// Under these a row names the tasks it belongs to.
constexpr std::array<const char*, 5> k_task_keys{"id", "root", "parent", "why", "task"};

std::string text_at(const Json& object, const char* key)
{
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// What a payload looks like without escapes may be searched as text before it is parsed.
bool may_mention(std::string_view payload, std::string_view what)
{
  return payload.find('\\') != std::string_view::npos ||
         payload.find(what) != std::string_view::npos;
}

// A file on its way to an agent is not a task yet, but will be one of this id.
std::string task_of_file(const Json& object)
{
  constexpr std::string_view k_suffix = ".task";
  auto name = text_at(object, "name");
  if (!name.ends_with(k_suffix)) {
    return "";
  }
  name.resize(name.size() - k_suffix.size());
  return name;
}

bool is_about(std::string_view text, std::string_view subject)
{
  if (!text.starts_with(subject)) {
    return false;
  }
  const auto rest = text.substr(subject.size());
  return rest.empty() || rest == ".task" || (subject.front() == '/' && rest.front() == '/');
}

// A payload is at most k_max_payload_depth deep.
bool names(const Json& value, std::string_view subject)
{
  if (value.is_string()) {
    return is_about(value.get_ref<const std::string&>(), subject);
  }
  return value.is_structured() && std::any_of(value.begin(), value.end(), [&](const Json& part) {
    return names(part, subject);
  });
}

class Search
{
public:
  explicit Search(const std::vector<std::string>& subjects)
  {
    std::copy_if(subjects.begin(), subjects.end(), std::back_inserter(m_subjects),
      [](const std::string& subject) {
        return !subject.empty();
      });
  }

  // True when it learned of a task, which rows before this one may belong to.
  bool look_at(const Event& event)
  {
    if (m_found.contains(event.id) || !may_concern(event.payload) || !is_payload(event.payload)) {
      return false;
    }
    const auto payload = Json::parse(event.payload);
    if (!concerns(payload)) {
      return false;
    }
    m_found.emplace(event.id, event);
    const auto before = m_tasks.size();
    for (const auto* key : k_task_keys) {
      m_tasks.insert(text_at(payload, key));
    }
    m_tasks.insert(task_of_file(payload));
    m_tasks.erase("");
    return m_tasks.size() > before;
  }

  std::vector<Event> found() &&
  {
    std::vector<Event> events;
    events.reserve(m_found.size());
    for (auto& [id, event] : m_found) {
      events.push_back(std::move(event));
    }
    return events;
  }

private:
  bool may_concern(std::string_view payload) const
  {
    const auto mentioned = [&](const std::string& what) {
      return may_mention(payload, what);
    };
    return std::any_of(m_subjects.begin(), m_subjects.end(), mentioned) ||
           std::any_of(m_tasks.begin(), m_tasks.end(), mentioned);
  }

  bool concerns(const Json& payload) const
  {
    return std::any_of(m_subjects.begin(), m_subjects.end(), [&](const std::string& subject) {
      return names(payload, subject);
    }) || belongs_to_task(payload);
  }

  bool belongs_to_task(const Json& payload) const
  {
    return m_tasks.contains(task_of_file(payload)) ||
           std::any_of(k_task_keys.begin(), k_task_keys.end(), [&](const char* key) {
             return m_tasks.contains(text_at(payload, key));
           });
  }

  std::vector<std::string> m_subjects;
  std::set<std::string> m_tasks;
  std::map<std::int64_t, Event> m_found;
};

// The first that was claimed and is the root of its chain.
std::optional<Request> request_in(const std::vector<Event>& events)
{
  for (const auto& event : events) {
    if (event.type != "task.claimed") {
      continue;
    }
    const auto payload = Json::parse(event.payload);
    if (text_at(payload, "id") == text_at(payload, "root")) {
      return Request{text_at(payload, "id"), text_at(payload, "agent"), text_at(payload, "sender"),
        text_at(payload, "trust"), text_at(payload, "sha256")};
    }
  }
  return {};
}

} // namespace

Result<Trace> trace(Reader& reader, const std::vector<std::string>& subjects)
{
  Search search(subjects);
  bool again = true;
  while (again) {
    again = false;
    CONOS_CHECK(reader.each_after(0, {}, [&](const Event& event) {
      again = search.look_at(event) || again;
      return true;
    }));
  }
  Trace trace{std::move(search).found(), {}};
  trace.request = request_in(trace.events);
  return trace;
}

std::string request_text(const std::string& directory, const Request& request)
{
  auto text = fmt::format("\nIt goes back to task '{}' of {} ({}), which {} took.\n",
    escaped(request.task), escaped(request.sender), escaped(request.trust), escaped(request.agent));
  const auto bodies = Bodies::open(directory);
  const auto body =
    bodies ? bodies->get(request.sha256, k_largest_request) : tl::unexpected<Error>(bodies.error());
  if (!body) {
    return text;
  }
  const auto lines = escaped_lines(*body);
  for (const auto line : split(trimmed(lines), '\n')) {
    text += fmt::format("  | {}\n", line);
  }
  return text;
}

} // namespace conos::audit
