#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace conos {

// A name that is one path component and nothing else: not empty, not "." or "..", no slash, no
// NUL, at most 255 bytes. It may still hold any other byte; escape it before printing.
bool is_plain_name(std::string_view name);

// --- directories -------------------------------------------------------------------------------

// Opens a directory by path, following symlinks: for paths only root can change.
Result<UniqueFd> open_dir(const std::string& path);

// Opens the directory `name` in `dir`; a symlink is refused (ELOOP or ENOTDIR).
Result<UniqueFd> open_dir_at(const UniqueFd& dir, const std::string& name);

// Opens a directory for the names in it only (O_PATH): enough to create in a drop box that one may
// write and not read.
Result<UniqueFd> hold_dir(const std::string& path);

// The names in `dir` in the order the directory has them, without "." and "..". Stops after
// `limit` names. Offers each to `keep` and returns those it keeps.
Result<std::vector<std::string>> list_names(const UniqueFd& dir, std::size_t limit,
  const std::function<bool(std::string_view)>& keep = nullptr);

// Makes directory `name` in `dir` with exactly `mode`, whatever the umask, owned by uid and gid
// (-1 leaves them). Kind::exists when there is one.
Result<> make_dir(
  const UniqueFd& dir, const std::string& name, mode_t mode, uid_t uid = -1, gid_t gid = -1);

// Removes `name` and, if it is a directory, what is in it, never following a symlink and never
// leaving the file system. Absent is success. Whoever made it may have made it deep and full: this
// comes to an end after 100,000 names, and the rest then lies in `dir` under hidden names, for
// remove_trash.
Result<> remove_tree(const UniqueFd& dir, const std::string& name);

// Removes what a remove_tree in `dir` left: as many names again.
Result<> remove_trash(const UniqueFd& dir);

// --- files -------------------------------------------------------------------------------------

// Opens what `name` in `dir` is, for reading, without following symlinks or leaving `dir`, without
// blocking on a FIFO and without becoming a controlling terminal. What came out must still be
// judged by fstat: it may be anything but a symlink.
Result<UniqueFd> open_beneath(const UniqueFd& dir, const std::string& name);

Result<struct stat> stat_of(const UniqueFd& fd);

// lstat of a name; nothing is followed.
Result<struct stat> stat_at(const UniqueFd& dir, const std::string& name);

// Whether `dir` has anything of that name. "Could not look" is an error and no answer: taken for
// "no", it would make an empty directory of a full one.
Result<bool> is_there(const UniqueFd& dir, const std::string& name);

// The same where nothing hangs on it: what cannot be looked at is not there.
bool exists_at(const UniqueFd& dir, const std::string& name);

// Everything from the descriptor's position to its end; Kind::bad_data past `limit` bytes.
Result<std::string> read_all(const UniqueFd& fd, std::size_t limit);

// open_beneath, refuses what is not a regular file, read_all.
Result<std::string> read_file(const UniqueFd& dir, const std::string& name, std::size_t limit);

// The same by path, following symlinks: for paths only root can change, and for /proc.
Result<std::string> read_path(const std::string& path, std::size_t limit);

Result<> write_all(const UniqueFd& fd, std::string_view text);

// A file in memory with `text` in it (memfd_create(2)), to be read from its start: for a program's
// standard input.
Result<UniqueFd> memory_file(std::string_view text);

struct Owner {
  uid_t uid = static_cast<uid_t>(-1); // -1 leaves it
  gid_t gid = static_cast<gid_t>(-1);
};

// An open file without a name (O_TMPFILE) in `dir`, filled with `text`, mode and owner set.
// Nothing is durable yet.
Result<UniqueFd> nameless(
  const UniqueFd& dir, std::string_view text, mode_t mode, const Owner& owner = {});

// Gives a nameless file its name. Kind::exists when it is taken; nothing is replaced.
Result<> give_name(const UniqueFd& file, const UniqueFd& dir, const std::string& name);

Result<> sync_file(const UniqueFd& fd);

// Flushes many files, each as sync_file does, together: their pages are all on the way to the disk
// before the first is waited for, so they share a journal commit instead of making one each, and
// threads wait for them, for the kernel makes one flush of many that are asked for at once. Not
// syncfs: that also waits for what others write, and gives blocks to what is about to be deleted.
Result<> sync_files(const std::vector<UniqueFd>& files);

// Publishes `text` in `dir` under `name`, whole or not at all, and durably: the bytes are on disk
// before the name appears, and the name before this returns. A taken name is Kind::exists.
Result<> publish(const UniqueFd& dir, const std::string& name, std::string_view text, mode_t mode,
  const Owner& owner = {});

enum class Durable { yes, later };

// Replaces `name` in `dir` by `text`, whole or not at all. With Durable::later the caller flushes
// (sync_file of `dir`, or syncfs) before it relies on the new content surviving a power cut; the
// old or the new content is there in any case only with Durable::yes.
Result<> replace(const UniqueFd& dir, const std::string& name, std::string_view text, mode_t mode,
  const Owner& owner = {}, Durable durable = Durable::yes);

// The same where nobody else can be replacing this name at the same time: what an earlier call that
// was killed left is taken away, and nothing has to be looked for.
Result<> replace_alone(const UniqueFd& dir, const std::string& name, std::string_view text,
  mode_t mode, const Owner& owner = {}, Durable durable = Durable::yes);

// Whether it is a name that replace and its kin write under before they rename.
bool is_unfinished(std::string_view name);

// Removes what a `replace` that was killed may have left in `dir`. Only where nobody else can be
// replacing at the same time.
Result<> remove_unfinished(const UniqueFd& dir);

// Renames within one file system; Kind::exists when the target is there, and nothing is replaced.
Result<> move_name(const UniqueFd& from, const std::string& old_name, const UniqueFd& to,
  const std::string& new_name);

// Absent is success.
Result<> remove_name(const UniqueFd& dir, const std::string& name);

// Flushes the whole file system `dir` is on.
Result<> sync_filesystem(const UniqueFd& dir);

// Kind::exists when it is not empty; absent is success.
Result<> remove_empty_dir(const UniqueFd& dir, const std::string& name);

} // namespace conos
