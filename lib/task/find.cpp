#include "task/find.hpp"

#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"
#include "task/id.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace conos {

namespace {

constexpr std::size_t k_max_listed = 100'000;
constexpr std::size_t k_head_bytes = 4096;
constexpr std::size_t k_max_summary_bytes = 200;
constexpr std::size_t k_max_response_bytes = 64U << 20U;

using Wanted = std::function<bool(std::string_view id)>;

// The beginning of a regular file; empty when it cannot be had.
std::string head_of(const UniqueFd& dir, const std::string& name)
{
  const auto file = open_beneath(dir, name);
  const auto st = file ? stat_of(*file) : tl::unexpected<Error>(file.error());
  if (!st || !S_ISREG(st->st_mode)) {
    return {};
  }
  std::string text(k_head_bytes, '\0');
  const ssize_t got = ::read(file->get(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

struct Dated {
  std::string name;
  Time changed;
};

std::string_view without(std::string_view name, std::string_view end)
{
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : std::string_view();
}

// Walks through the directories that hold tasks and takes those that are wanted.
class Search
{
public:
  Search(const Site& site, Wanted wanted, std::size_t most)
      : m_site(site)
      , m_wanted(std::move(wanted))
      , m_most(most)
  {
  }

  Result<> common()
  {
    CONOS_CHECK(waiting(m_site.inbox(), std::nullopt));
    return carried(m_site.transit(), std::nullopt, "transit");
  }

  Result<> agent(const std::string& name)
  {
    const auto top = m_site.agent(name);
    CONOS_CHECK(waiting(top + "/inbox", name));
    CONOS_CHECK(carried(top + "/claimed", name, "working"));
    CONOS_CHECK(carried(top + "/held", name, "held"));
    CONOS_CHECK(ended(top + "/processed", name));
    return ended(top + "/failed", name);
  }

  TaskList list;

private:
  using Agent = std::optional<std::string>;

  // An absent directory has no tasks, a closed one has some we do not see.
  Result<std::optional<UniqueFd>> enter(const std::string& path)
  {
    auto dir = open_dir(path);
    if (dir) {
      return std::move(*dir);
    }
    if (dir.error().kind != Kind::denied && dir.error().kind != Kind::not_found) {
      return tl::unexpected<Error>(dir.error());
    }
    list.has_hidden_parts = list.has_hidden_parts || dir.error().kind == Kind::denied;
    return std::optional<UniqueFd>();
  }

  // The newest wanted entries of a directory whose names end in `end`.
  Result<std::vector<Dated>> newest(const UniqueFd& dir, std::string_view end)
  {
    CONOS_TRY(const auto names, list_names(dir, k_max_listed, [&](std::string_view name) {
      return name.size() > end.size() && name.ends_with(end) &&
             m_wanted(name.substr(0, name.size() - end.size()));
    }));
    std::vector<Dated> entries;
    for (const auto& name : names) {
      if (const auto st = stat_at(dir, name)) { // else it has moved on
        entries.push_back({name, time_of(st->st_mtim)});
      }
    }
    const auto newer = [](const Dated& a, const Dated& b) {
      return a.changed > b.changed;
    };
    if (entries.size() > m_most) {
      std::nth_element(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(m_most),
        entries.end(), newer);
      entries.resize(m_most);
      list.is_cut = true;
    }
    return entries;
  }

  Result<> waiting(const std::string& path, const Agent& agent)
  {
    CONOS_TRY(const auto dir, enter(path));
    if (!dir) {
      return {};
    }
    CONOS_TRY(const auto entries, newest(*dir, ".task"));
    for (const auto& [name, changed] : entries) {
      FoundTask found;
      found.id = task_stem(name);
      found.state = "waiting";
      found.place = path + "/" + name;
      found.agent = agent;
      found.since = changed;
      found.summary = summary_of(head_of(*dir, name));
      list.tasks.push_back(std::move(found));
    }
    return {};
  }

  Result<> carried(const std::string& path, const Agent& agent, const char* state)
  {
    CONOS_TRY(const auto dir, enter(path));
    if (!dir) {
      return {};
    }
    CONOS_TRY(const auto entries, newest(*dir, ""));
    for (const auto& [name, changed] : entries) {
      const auto inner = open_dir_at(*dir, name);
      if (!inner) {
        continue; // it has moved on
      }
      FoundTask found;
      found.id = name;
      found.state = state;
      found.place = path + "/" + name;
      found.agent = agent;
      found.since = changed;
      take_meta(found, *inner);
      list.tasks.push_back(std::move(found));
    }
    return {};
  }

  static void take_meta(FoundTask& found, const UniqueFd& dir)
  {
    const auto text = read_file(dir, "meta.json", k_max_meta_bytes);
    auto meta = text ? meta_from_json(*text) : tl::unexpected<Error>(text.error());
    if (meta) {
      found.since = meta->submitted_at;
      found.summary = meta->title.value_or("");
      found.agent = meta->agent.empty() ? found.agent : meta->agent;
      found.meta = std::move(*meta);
      found.record = *text;
    }
    if (found.summary.empty()) {
      found.summary = summary_of(head_of(dir, "task"));
    }
  }

  Result<> ended(const std::string& path, const std::string& agent)
  {
    CONOS_TRY(const auto dir, enter(path));
    if (!dir) {
      return {};
    }
    CONOS_TRY(const auto entries, newest(*dir, ".json"));
    for (const auto& [name, changed] : entries) {
      const auto text = read_file(*dir, name, k_max_meta_bytes);
      if (!text) {
        list.has_hidden_parts = list.has_hidden_parts || text.error().kind == Kind::denied;
        continue;
      }
      FoundTask found;
      found.id = without(name, ".json");
      found.place = path + "/" + name;
      found.agent = agent;
      found.since = changed;
      take_receipt(found, *text);
      if (found.summary.empty()) {
        found.summary = summary_of(head_of(*dir, found.id + ".task"));
      }
      list.tasks.push_back(std::move(found));
    }
    return {};
  }

  static void take_receipt(FoundTask& found, std::string_view text)
  {
    auto receipt = receipt_from_json(text);
    if (!receipt) {
      found.state = "unreadable";
      return;
    }
    found.state = to_string(receipt->outcome);
    found.since = receipt->meta.submitted_at;
    found.summary = receipt->meta.title.value_or("");
    found.meta = receipt->meta;
    found.receipt = std::move(*receipt);
    found.record = text;
  }

  const Site& m_site;
  Wanted m_wanted;
  std::size_t m_most;
};

Result<TaskList> search(const Site& site, const Wanted& wanted, std::size_t most,
  const std::optional<std::string>& only_agent = std::nullopt)
{
  Search search(site, wanted, most);
  std::vector<std::string> names;
  if (only_agent) {
    names.push_back(*only_agent);
  } else {
    CONOS_TRY(names, agent_names(site));
    CONOS_CHECK(search.common());
  }
  for (const auto& name : names) {
    CONOS_CHECK(search.agent(name));
  }
  auto& tasks = search.list.tasks;
  std::stable_sort(tasks.begin(), tasks.end(), [](const FoundTask& a, const FoundTask& b) {
    return a.since > b.since;
  });
  return std::move(search.list);
}

// While it waits, only its name tells.
bool is_in_chain(const FoundTask& task, const std::string& root)
{
  return task.meta ? task.meta->root == root : may_be_of_root(task.id, root);
}

// A task that is being moved while we look may be in neither place: one more look finds it.
Result<TaskList> search_twice(const Site& site, const Wanted& wanted)
{
  CONOS_TRY(auto list, search(site, wanted, k_max_listed));
  if (!list.tasks.empty()) {
    return list;
  }
  return search(site, wanted, k_max_listed);
}

// A member of group conos cannot list the outer inbox but may ask it for a name.
std::optional<FoundTask> waiting_by_name(const Site& site, const std::string& id)
{
  const auto name = id + ".task";
  const auto inbox = hold_dir(site.inbox());
  if (!inbox || !is_plain_name(name)) {
    return std::nullopt;
  }
  const auto st = stat_at(*inbox, name);
  if (!st) {
    return std::nullopt;
  }
  FoundTask found;
  found.id = id;
  found.state = "waiting";
  found.place = site.inbox() + "/" + name;
  found.since = time_of(st->st_mtim);
  return found;
}

} // namespace

Result<std::vector<std::string>> agent_names(const Site& site)
{
  constexpr std::size_t k_max_agents = 10'000;
  CONOS_TRY(const auto agents, open_dir(site.agents()).map_error(only_for_members));
  CONOS_TRY(auto names, list_names(agents, k_max_agents, is_agent_name));
  std::sort(names.begin(), names.end());
  return names;
}

Result<> check_agent(const Site& site, const std::string& name)
{
  CONOS_TRY(const auto names, agent_names(site));
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return {};
  }
  const auto near = nearest(name, names);
  return fail(Kind::not_found, "there is no agent '{}'{}", escaped(name),
    near ? " (did you mean '" + *near + "'?)" : "");
}

Result<TaskList> list_tasks(const Site& site, const ListWish& wish)
{
  if (wish.agent) {
    CONOS_CHECK(check_agent(site, *wish.agent));
  }
  return search(
    site,
    [](std::string_view) {
      return true;
    },
    wish.most, wish.agent);
}

Result<TaskList> find_chain(const Site& site, const std::string& id)
{
  CONOS_TRY(auto list, search_twice(site, [&](std::string_view name) {
    return name == id || may_be_of_root(name, id);
  }));
  const auto self = std::find_if(list.tasks.begin(), list.tasks.end(), [&](const FoundTask& task) {
    return task.id == id;
  });
  const auto root = self != list.tasks.end() && self->meta ? self->meta->root : id;
  if (root != id) {
    CONOS_TRY(list, search_twice(site, [&](std::string_view name) {
      return may_be_of_root(name, root);
    }));
  }
  std::erase_if(list.tasks, [&](const FoundTask& task) {
    return !is_in_chain(task, root);
  });
  if (list.tasks.empty()) {
    if (auto waiting = waiting_by_name(site, id)) {
      list.tasks.push_back(std::move(*waiting));
    }
  }
  std::stable_sort(
    list.tasks.begin(), list.tasks.end(), [](const FoundTask& a, const FoundTask& b) {
      return (a.meta ? a.meta->hop : 0) < (b.meta ? b.meta->hop : 0);
    });
  return list;
}

Result<std::string> read_response(const Site& site, const Receipt& receipt)
{
  if (!receipt.response) {
    return fail(Kind::not_found, "there is no response");
  }
  if (!is_agent_name(receipt.meta.agent)) {
    return fail(Kind::bad_data, "the receipt names no agent");
  }
  CONOS_TRY(const auto outbox, open_dir(site.agent(receipt.meta.agent) + "/outbox"));
  return read_file(outbox, receipt.response->file, k_max_response_bytes);
}

Result<std::vector<EndedTask>> newest_answers(
  const Site& site, const std::string& agent, std::size_t most)
{
  CONOS_TRY(const auto outbox, open_dir(site.agent(agent) + "/outbox"));
  CONOS_TRY(auto names, list_names(outbox, k_max_listed, [](std::string_view name) {
    return !id_in_outbox(name).empty();
  }));
  std::sort(names.begin(), names.end(), std::greater<>()); // by time, as they are named
  std::vector<EndedTask> answers;
  for (const auto& name : names) {
    if (answers.size() == most) {
      break;
    }
    const auto text = read_file(outbox, name, k_max_meta_bytes);
    auto receipt = text ? receipt_from_json(*text) : tl::unexpected<Error>(text.error());
    if (receipt && receipt->outcome == Outcome::answered && receipt->response) {
      answers.push_back({std::move(*receipt), *text});
    }
  }
  return answers;
}

std::string summary_of(std::string_view task_text)
{
  const auto envelope = parse_envelope(task_text);
  if (envelope && envelope->title && !envelope->title->empty()) {
    return std::string(clipped(*envelope->title, k_max_summary_bytes));
  }
  const std::string_view body = envelope ? std::string_view(envelope->body) : task_text;
  const auto from_first = trimmed(body);
  return std::string(
    clipped(trimmed(from_first.substr(0, from_first.find('\n'))), k_max_summary_bytes));
}

bool may_be_of_root(std::string_view id, std::string_view root)
{
  return id == root ||
         (id.size() > root.size() + 1 && id.starts_with(root) && id[root.size()] == '.');
}

std::string_view id_in_outbox(std::string_view file_name)
{
  constexpr std::size_t k_stamp = sizeof("20261120T213001Z-") - 1;
  const auto stem = without(file_name, ".json");
  return stem.size() > k_stamp && stem[k_stamp - 1] == '-' ? stem.substr(k_stamp)
                                                           : std::string_view();
}

} // namespace conos
