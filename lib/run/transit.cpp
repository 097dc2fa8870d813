#include "run/transit.hpp"

#include "sys/file.hpp"

namespace conos {

Result<> put_in_transit(const Site& site, const Meta& meta, std::string_view task)
{
  CONOS_TRY(const auto transit, open_dir(site.transit()));
  if (exists_at(transit, meta.id)) {
    return {};
  }
  // the dot keeps a half-made one from route and from the path unit
  const auto making = ".making-" + meta.id;
  CONOS_CHECK(remove_tree(transit, making));
  CONOS_CHECK(make_dir(transit, making, 0700));
  CONOS_TRY(const auto dir, open_dir_at(transit, making));
  CONOS_CHECK(publish(dir, "task", task, 0400));
  CONOS_CHECK(publish(dir, "meta.json", to_json(meta), 0400));
  CONOS_CHECK(sync_file(dir));
  const auto moved = move_name(transit, making, transit, meta.id);
  if (!moved && moved.error().kind != Kind::exists) {
    return moved;
  }
  return sync_file(transit);
}

Meta follow_up(const Meta& parent, TaskKind kind, const std::string& agent)
{
  Meta meta;
  meta.root = parent.root;
  meta.parent = parent.id;
  meta.hop = parent.hop + 1;
  meta.id = fmt::format("{}.{}", parent.root, meta.hop);
  meta.agent = agent;
  meta.kind = kind;
  meta.sender = {std::nullopt, "a-" + parent.agent, parent.agent};
  meta.trust = parent.trust;
  meta.title = parent.title;
  meta.priority = parent.priority;
  meta.deadline = parent.deadline;
  meta.source = parent.source;
  meta.submitted_at = now();
  if (kind == TaskKind::forward) { // the answer still goes to whoever asked
    meta.thread = parent.thread;
    meta.thread.key.reset();
    meta.reply = parent.reply;
    meta.reply_to = parent.reply_to;
  }
  return meta;
}

} // namespace conos
