#pragma once

#include "audit/day_files.hpp"
#include "audit/ledger.hpp"
#include "serve/line_server.hpp"
#include "serve/standing.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace conos::serve {

// Where what, and for whom.
struct AppendPlace {
  std::string ledger; // directory
  audit::DayFiles day_files;
  std::set<gid_t> groups; // who may append, root aside
};

// Bounds of audit.sock.
Bounds append_bounds();

// Records the lines of audit.sock: those that come together in one transaction, each answered by
// its receipt once that is on disk, in the order in which its client sent them.
class AppendService : public Service
{
public:
  AppendService(LineServer& server, AppendPlace place);

  Result<> admit(const Peer& peer) override;
  void take(ClientId client, const Peer& peer, std::string_view line) override;
  bool work() override;
  void tick() override;
  void stop() override;

private:
  // What is to be answered, in the order in which it was asked.
  struct Entry {
    ClientId client = 0; // 0: a row of ours
    std::optional<audit::Row> row;
    std::string refusal;
  };

  Entry judge(ClientId client, const Peer& peer, std::string_view line);
  Result<std::vector<audit::Recorded>> record(const std::vector<audit::Row>& rows);
  void commit();
  void add_due(Standings::Due due);
  void copy_to_days();

  LineServer& m_server;
  AppendPlace m_place;
  std::optional<audit::Ledger> m_ledger;
  Standings m_standings;
  std::vector<Entry> m_entries;
  std::size_t m_bytes = 0;  // of their payloads
  bool m_is_copied = false; // to the day files; those who were killed may have left some
};

} // namespace conos::serve
