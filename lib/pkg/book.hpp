#pragma once

#include "pkg/package.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// What conos had installed, and for whom: /var/lib/conos/packages.json, root's alone.
namespace conos::pkg {

inline const std::string k_book = "packages.json";

struct Entry {
  bool was_there = false;       // before anybody asked conos for it: it stays when nobody needs it
  bool by_hand = false;         // a person asked for it, and named no agent
  std::set<std::string> agents; // that asked for it
  std::string since;            // RFC 3339
  std::string task;             // for which it was asked for first; empty: none is known

  bool is_needed() const { return by_hand || !agents.empty(); }
};

enum class Verb { install, remove };
std::string_view to_string(Verb verb);

// What is about to be done, kept before it is begun: whoever comes after a crash finds it.
struct Deed {
  std::string id; // of its rows' keys
  Verb verb = Verb::install;
  std::vector<Wanted> wanted;
  std::set<std::string> before;    // of these: there in some version before
  std::set<std::string> untouched; // of these: there already, or needed by others too
  std::vector<std::string> also;   // that come, or go, with them
  std::string agent;               // for whom; empty: nobody in particular
  std::string task;                // because of which; empty: none
  std::string by;                  // the account of the person
};

struct Contents {
  std::map<std::string, Entry, std::less<>> entries;
  std::optional<Deed> begun;
};

std::string to_json(const Contents& contents);
Result<Contents> contents_from_json(std::string_view text); // Kind::bad_data

// The book, held by one at a time.
class Book
{
public:
  // Waits for others as long as they are at work; `tell_wait` is called once when it has to.
  // `directory` is /var/lib/conos, which is made if need be.
  static Result<Book> open(const std::string& directory, const std::function<void()>& tell_wait);

  // To look only: nobody is waited for. Empty where there is none.
  static Result<Contents> read(const std::string& directory);

  Contents contents;

  // Puts the contents in the place of the old, whole or not at all, durably.
  Result<> save() const;

private:
  Book(UniqueFd dir, UniqueFd lock, Contents was)
      : contents(std::move(was))
      , m_dir(std::move(dir))
      , m_lock(std::move(lock))
  {
  }
  UniqueFd m_dir;
  UniqueFd m_lock;
};

} // namespace conos::pkg
