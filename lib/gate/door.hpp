#pragma once

#include "audit/bodies.hpp"
#include "audit/redact.hpp"
#include "config/gate.hpp"
#include "gate/desk.hpp"
#include "gate/granted.hpp"
#include "gate/rows.hpp"
#include "host/units.hpp"
#include "serve/bucket.hpp"
#include "serve/line_server.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// The gate door: what one agent asks of root. A request is read, judged by the policy, done or put
// before a person, and recorded before it is answered.
namespace conos::gate {

struct DoorPlace {
  Site site;
  std::string agent;
  std::function<Result<UnitState>(const std::string& unit)> unit_state;
  Start start;
  Hands hands; // of which only run, to look at proposals
};

// The machine itself.
DoorPlace own_place(const std::string& agent);

serve::Bounds door_bounds();

class Door : public serve::Service
{
public:
  static Result<std::unique_ptr<Door>> open(serve::LineServer& server, DoorPlace place);

  Result<> admit(const serve::Peer& peer) override;
  void take(serve::ClientId client, const serve::Peer& peer, std::string_view line) override;
  bool work() override;
  void tick() override;
  void stop() override;
  std::string refusal(const Error& error, std::optional<std::chrono::milliseconds> retry) override;
  int watched() const override { return m_watch.get(); }

private:
  struct Line {
    serve::ClientId client = 0;
    std::string text;
  };
  // What is answered when its rows are recorded; nothing: when a unit has done it.
  struct Reply {
    serve::ClientId client = 0;
    std::optional<ask::Answer> answer;
  };
  struct Hearing; // one request, as far as it is known

  Door(serve::LineServer& server, DoorPlace place, Desk desk, audit::Bodies bodies, UniqueFd watch);

  std::optional<ask::Answer> hear(const Line& line);
  std::optional<ask::Answer> judge(Hearing& hearing, serve::ClientId client);
  Result<ask::Answer> do_at_once(Hearing& hearing);
  Result<ask::Answer> send_task(Hearing& hearing);
  Result<ask::Answer> write_note(Hearing& hearing);
  Result<ask::Answer> query(Hearing& hearing);
  Result<ask::Answer> service_status(Hearing& hearing);
  Result<ask::Answer> approval_status(Hearing& hearing);
  Result<ask::Answer> on_task_contract(Hearing& hearing);
  Result<> may_name_checks(const Hearing& hearing) const;
  Result<std::optional<ask::Answer>> put_before_person(Hearing& hearing, serve::ClientId client);
  Result<> carry_out(Hearing& hearing, Decision decision, serve::ClientId client);
  Result<> examine_proposal(const Request& request);
  ask::Answer refuse(const Hearing& hearing, std::string reason, std::string what);
  ask::Answer refuse_by_policy(const Hearing& hearing, const GateDecision& decision);
  std::string keep(const ask::Arguments& args);
  Request request_for(const Hearing& hearing, Duration lives);
  void record();
  void look_after(const std::string& id);
  void look_after_all();
  void hear_of_changes();

  serve::LineServer& m_server;
  DoorPlace m_place;
  Desk m_desk;
  audit::Bodies m_bodies;
  audit::Redactor m_redactor;
  UniqueFd m_watch; // inotify, on the directory of requests
  std::deque<Line> m_lines;
  std::vector<Reply> m_replies;
  std::vector<audit::Row> m_rows;
  std::map<std::string, Reply> m_waiting; // for a unit, by the request's id
  std::set<std::string> m_kept;           // digests of bodies that are
  serve::Bucket m_requests;
  serve::Bucket m_tasks;
  serve::Bucket m_refusals;
  std::size_t m_suppressed = 0;
};

} // namespace conos::gate
