#include "run/transit.hpp"

#include "audit/sha256.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"

#include <sys/file.h>

namespace conos {

namespace {

constexpr std::string_view k_making = ".making-"; // the dot keeps it from route and the path unit

// Shared by makers, who may be several; taken alone by whoever removes what dead ones left.
Result<UniqueFd> open_transit(const Site& site, int lock)
{
  CONOS_TRY(auto transit, open_dir(site.transit()));
  while (::flock(transit.get(), lock) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", site.transit());
    }
  }
  return transit;
}

std::string identity(const Meta& meta)
{
  return fmt::format("{}|{}|{}|{}|{}", meta.sender.agent.value_or(""), meta.root,
    meta.parent.value_or(""), meta.hop, rfc3339(meta.submitted_at));
}

// False when this very task is there.
Result<bool> find_free_id(const UniqueFd& transit, Meta& meta)
{
  CONOS_TRY(const bool used, is_there(transit, meta.id));
  if (!used) {
    return true;
  }
  CONOS_TRY(const auto dir, open_dir_at(transit, meta.id));
  CONOS_TRY(const auto text, read_file(dir, "meta.json", k_max_meta_bytes));
  CONOS_TRY(const auto there, meta_from_json(text));
  if (is_same_task(there, meta)) {
    return false;
  }
  meta.id = other_id(meta);
  CONOS_TRY(const bool there_as_well, is_there(transit, meta.id));
  return !there_as_well;
}

} // namespace

Result<> put_in_transit(const Site& site, Meta meta, std::string_view task)
{
  CONOS_TRY(const auto transit, open_transit(site, LOCK_SH));
  CONOS_TRY(const bool is_new, find_free_id(transit, meta));
  if (!is_new) {
    return {};
  }
  const auto making = std::string(k_making) + meta.id;
  CONOS_CHECK(remove_tree(transit, making));
  CONOS_CHECK(make_dir(transit, making, 0700));
  CONOS_TRY(const auto dir, open_dir_at(transit, making));
  CONOS_CHECK(publish(dir, "task", task, 0400));
  CONOS_CHECK(publish(dir, "meta.json", to_json(meta), 0400));
  CONOS_CHECK(sync_file(dir));
  CONOS_CHECK(move_name(transit, making, transit, meta.id));
  return sync_file(transit);
}

Result<> clear_transit(const Site& site)
{
  const auto transit = open_transit(site, LOCK_EX | LOCK_NB);
  if (!transit) {
    return transit.error().kind == Kind::busy ? Result<>{} : tl::unexpected<Error>(transit.error());
  }
  CONOS_TRY(const auto names, list_names(*transit, SIZE_MAX, [](auto name) {
    return name.starts_with(k_making);
  }));
  for (const auto& name : names) {
    CONOS_CHECK(remove_tree(*transit, name));
  }
  return {};
}

bool is_same_task(const Meta& a, const Meta& b)
{
  return identity(a) == identity(b);
}

std::string other_id(const Meta& meta)
{
  const auto base = meta.parent ? fmt::format("{}.{}", meta.root, meta.hop) : meta.root;
  return base + "-" + audit::sha256_hex(identity(meta)).substr(0, 8);
}

Meta follow_up(const Receipt& receipt, TaskKind kind, const std::string& agent)
{
  const auto& parent = receipt.meta;
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
  meta.submitted_at = receipt.finished_at;
  if (kind == TaskKind::forward) { // the answer still goes to whoever asked
    meta.thread = parent.thread;
    meta.thread.key.reset();
    meta.reply = parent.reply;
    meta.reply_to = parent.reply_to;
  }
  return meta;
}

} // namespace conos
