#include "gate/errand.hpp"

#include "run/batch.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::gate {

Result<AskedFor> task_worked_on(
  const Site& site, const std::string& agent, const std::string& wanted)
{
  const auto nothing = [&] {
    return fail(Kind::denied, "agent {} is not working on a task", agent);
  };
  CONOS_TRY(const auto top, open_dir(site.agent(agent)));
  const auto batch = read_batch(top);
  if (!batch) {
    return batch.error().kind == Kind::not_found ? nothing() : tl::unexpected<Error>(batch.error());
  }
  const auto& tasks = batch->tasks;
  if (tasks.empty()) {
    return nothing();
  }
  if (wanted.empty() && tasks.size() > 1) {
    return fail(Kind::denied,
      "agent {} is working on {} tasks: say for which one, as $CONOS_TASK "
      "names it",
      agent, tasks.size());
  }
  const auto id = wanted.empty() ? tasks.front() : wanted;
  if (std::find(tasks.begin(), tasks.end(), id) == tasks.end()) {
    return fail(Kind::denied, "agent {} is not working on '{}'", agent, escaped(id, 80));
  }
  CONOS_TRY(const auto claimed, open_dir_at(top, "claimed"));
  const auto dir = open_dir_at(claimed, id);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? nothing() : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(const auto text, read_file(*dir, "meta.json", k_max_meta_bytes));
  CONOS_TRY(const auto meta, meta_from_json(text));
  return AskedFor{meta.id, meta.root, meta.hop, meta.trust, meta.sender.name, meta.thread};
}

} // namespace conos::gate
