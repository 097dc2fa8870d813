#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where tasks are, as the directories say: a state is a directory, so nothing else is asked.
namespace conos {

// One task in one place.
struct FoundTask {
  std::string id;
  std::string state; // waiting, working, held, transit, or how it ended: answered, …
  std::string place; // the path of its file or directory
  std::optional<std::string> agent; // absent in the outer inbox
  Time since;                       // handed in; while it waits, when its file was last changed
  std::optional<Meta> meta;         // absent while it waits
  std::optional<Receipt> receipt;   // of one that has ended
  std::string record;               // meta.json or the receipt, as it is written
  std::string summary;              // its title, else the first line of its text; foreign text
};

struct TaskList {
  std::vector<FoundTask> tasks;  // newest first
  bool has_hidden_parts = false; // some directories are closed to the caller
  bool is_cut = false;           // there are more than were asked for
};

struct ListWish {
  std::optional<std::string> agent; // of this one only
  std::size_t most = 1000;          // the newest so many in each directory
};

// Every task the caller can see, in all states. Kind::denied when that is none at all because the
// caller may not look.
Result<TaskList> list_tasks(const Site& site, const ListWish& wish);

// The task of that id, wherever it is, and the rest of its chain: all tasks with the same root,
// first to last. Empty when it is nowhere to be seen.
Result<TaskList> find_chain(const Site& site, const std::string& id);

// The names of the agents that have a directory, sorted. Kind::denied without the right to look.
Result<std::vector<std::string>> agent_names(const Site& site);

// Kind::not_found, with the name that may have been meant, when there is no such agent.
Result<> check_agent(const Site& site, const std::string& name);

// What the agent answered. Kind::not_found when there is no response.
Result<std::string> read_response(const Site& site, const Receipt& receipt);

struct EndedTask {
  Receipt receipt;
  std::string record; // the same as deliver wrote it: it may have keys we do not know
};

// The newest answered tasks in an agent's outbox, newest first.
Result<std::vector<EndedTask>> newest_answers(
  const Site& site, const std::string& agent, std::size_t most);

// The first line with something in it of what follows the header, or the header's title.
std::string summary_of(std::string_view task_text);

// True for the root itself and for what its forwards and replies are called; another task may
// happen to be called so too, its record knows.
bool may_be_of_root(std::string_view id, std::string_view root);

// The id in the name of a receipt in an outbox, "20261120T213001Z-fix-disk.json"; else empty.
std::string_view id_in_outbox(std::string_view file_name);

} // namespace conos
