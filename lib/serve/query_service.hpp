#pragma once

#include "audit/reader.hpp"
#include "audit/wire.hpp"
#include "serve/line_server.hpp"

#include <map>
#include <optional>
#include <string>

namespace conos::serve {

// Bounds of query.sock.
Bounds query_bounds();

// Answers the questions of query.sock, all a stretch at a time in turn, so that neither a question
// nor one who reads slowly holds up others, or the ledger.
class QueryService : public Service
{
public:
  // `readers` is the group that may ask, root aside.
  QueryService(LineServer& server, std::string database, gid_t readers);

  Result<> admit(const Peer& peer) override;
  void take(ClientId client, const Peer& peer, std::string_view line) override;
  bool work() override;
  void tick() override;
  void stop() override;

private:
  // A question that is being answered. One that asks for the last rows looks back first, for where
  // these begin, and then goes forwards like any other.
  struct Search {
    audit::Query query;
    bool has_begun = false;
    std::int64_t last = 0;    // the ledger's last row when it began
    std::int64_t back = 0;    // looking back: all rows after this one have been looked at
    std::int64_t missing = 0; // looking back: so many rows are still to be found
    std::int64_t first = 0;   // looking back: the first that was found
    std::int64_t forward = 0; // going forwards: all rows up to this one have been offered
    audit::End end;
    std::size_t bytes = 0;
    Clock::time_point since{}; // in this direction
  };

  Result<audit::Reader*> reader();
  Result<bool> advance(ClientId client, Search& search);
  Result<> begin(Search& search);
  Result<> look_back(Search& search);
  Result<bool> go_forward(ClientId client, Search& search);

  LineServer& m_server;
  std::string m_database;
  gid_t m_readers;
  std::optional<audit::Reader> m_reader; // open while there is a search
  std::map<ClientId, Search> m_searches;
};

} // namespace conos::serve
