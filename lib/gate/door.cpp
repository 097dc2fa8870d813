#include "gate/door.hpp"

#include "audit/sha256.hpp"
#include "facts/facts.hpp"
#include "gate/errand.hpp"
#include "gate/look.hpp"
#include "gate/task_contracts.hpp"
#include "gate/verbs.hpp"
#include "prompt/thread.hpp"
#include "run/transit.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"
#include "task/id.hpp"
#include "task/submit.hpp"

#include <nlohmann/json.hpp>

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace conos::gate {

namespace {

using Json = nlohmann::json;
using ask::Answer;
using ask::Status;

constexpr serve::Rate k_request_rate{50, 200};
constexpr serve::Rate k_task_rate{1, 20};
constexpr serve::Rate k_refusal_rate{5, 50}; // that get a row each; the rest is counted
constexpr std::size_t k_lines_at_once = 32;
constexpr std::size_t k_most_waiting = 8; // requests being carried out apart
constexpr std::size_t k_max_kept = 1000;
constexpr std::int64_t k_usual_rows = 20;
constexpr Duration k_time_to_begin = std::chrono::minutes(10);
constexpr Duration k_systemd_time = std::chrono::seconds(5);

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Answer done(const Json& result)
{
  Answer answer;
  answer.status = Status::done;
  answer.result = dumped(result);
  return answer;
}

std::string lines_of_toml(const char* rule, const std::string& pattern)
{
  return fmt::format("gate = {{ {} = [\"{}\"] }}", rule, pattern);
}

// Of facts, the part that is asked for.
Json part_of_facts(const Site& site, const std::string& part)
{
  FactSources sources;
  sources.site = site;
  sources.packages.clear();
  sources.agents = part == "agents";
  sources.ledger = false;
  sources.most_names = 5000;
  auto facts = Json::parse(to_json(collect_facts(sources)), nullptr, false);
  return facts.is_object() && facts.contains(part) ? std::move(facts[part]) : Json();
}

std::optional<Answer> answer_about(const Request& request)
{
  if (!has_ended(request.state)) {
    return std::nullopt;
  }
  Answer answer;
  answer.status = request.state == State::done ? Status::done : Status::failed;
  if (request.ending) {
    answer.what = request.ending->what;
    answer.result = request.ending->result;
  }
  return answer;
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

} // namespace

// --- one request -------------------------------------------------------------------------------

struct Door::Hearing {
  ask::Request request;
  std::optional<GateDoor> settings;
  std::optional<AskedFor> task;
  const GateVerb* verb = nullptr;
  GateDecision decision;
  std::string by;       // whose permission it is, for the row
  bool has_row = false; // it is recorded by a row of its own

  About about(const std::string& agent, const std::string& args_sha256) const
  {
    return {agent, task ? task->id : "", task ? task->root : "", request.verb,
      verb != nullptr ? argument_of(*verb, request.args) : "", args_sha256};
  }
};

DoorPlace own_place(const std::string& agent)
{
  DoorPlace place;
  place.agent = agent;
  place.unit_state = [](const std::string& unit) -> Result<UnitState> {
    CONOS_TRY(const auto units, Units::connect(k_systemd_time));
    return units.state(unit);
  };
  place.start = start_unit;
  place.hands = own_hands();
  return place;
}

serve::Bounds door_bounds()
{
  serve::Bounds bounds;
  bounds.line_bytes = ask::k_max_request_bytes;
  bounds.lines_at_once = 16;
  bounds.clients = 16;
  bounds.clients_of_uid = 16;
  return bounds;
}

Door::Door(
  serve::LineServer& server, DoorPlace place, Desk desk, audit::Bodies bodies, UniqueFd watch)
    : m_server(server)
    , m_place(std::move(place))
    , m_desk(std::move(desk))
    , m_bodies(std::move(bodies))
    , m_watch(std::move(watch))
    , m_requests(k_request_rate, serve::Clock::now())
    , m_tasks(k_task_rate, serve::Clock::now())
    , m_refusals(k_refusal_rate, serve::Clock::now())
{
}

Result<std::unique_ptr<Door>> Door::open(serve::LineServer& server, DoorPlace place)
{
  CONOS_TRY(auto desk, Desk::open(place.site, "root/conos-gate"));
  CONOS_TRY(auto bodies, audit::Bodies::open(place.site.lib));
  CONOS_TRY(const auto lib, open_dir(place.site.lib));
  CONOS_TRY(auto redactor, audit::Redactor::load(lib));
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch || ::inotify_add_watch(watch.get(), desk.requests().path().c_str(), IN_MOVED_TO) < 0) {
    return os_error("watch '{}'", desk.requests().path());
  }
  std::unique_ptr<Door> door(
    new Door(server, std::move(place), std::move(desk), std::move(bodies), std::move(watch)));
  door->m_redactor = std::move(redactor);
  return door;
}

Result<> Door::admit(const serve::Peer& peer)
{
  CONOS_TRY(const auto compiled, open_dir(m_place.site.compiled()));
  const auto settings = load_gate_door(compiled, m_place.agent);
  if (settings && peer.uid == settings->uid) {
    return {};
  }
  (void)refuse({}, "caller", fmt::format("uid {} has called", peer.uid)); // it hears the error
  return fail(Kind::denied, "this is the gate of agent {}, and nobody else's", m_place.agent);
}

std::string Door::refusal(const Error& error, std::optional<std::chrono::milliseconds> retry)
{
  Answer answer;
  answer.status = retry ? Status::busy : Status::refused;
  answer.reason = error.kind == Kind::denied     ? "caller"
                  : error.kind == Kind::bad_data ? "size"
                                                 : "";
  answer.what = error.text();
  answer.retry = retry;
  return ask::answer_line(answer);
}

void Door::take(serve::ClientId client, const serve::Peer& /*peer*/, std::string_view line)
{
  m_lines.push_back({client, std::string(line)});
}

bool Door::work()
{
  hear_of_changes();
  for (std::size_t i = 0; i < k_lines_at_once && !m_lines.empty(); ++i) {
    const auto line = std::move(m_lines.front());
    m_lines.pop_front();
    if (auto answer = hear(line)) {
      m_replies.push_back({line.client, std::move(answer)});
    }
  }
  record();
  return !m_lines.empty();
}

void Door::tick()
{
  look_after_all();
  record();
}

void Door::stop()
{
  if (m_suppressed > 0) {
    m_rows.push_back(refused_row(m_desk.actor(), {m_place.agent, "", "", "", "", ""}, "rate",
      "these and no more were refused since", std::exchange(m_suppressed, 0)));
  }
  record();
}

// Answers follow their rows. What cannot be recorded is not told of: an agent hears that it failed.
void Door::record()
{
  auto rows = std::exchange(m_rows, {});
  auto replies = std::exchange(m_replies, {});
  Result<> recorded;
  if (!rows.empty()) {
    auto ledger = m_desk.ledger();
    const auto appended =
      ledger ? (*ledger)->append(rows)
             : Result<std::vector<audit::Recorded>>(tl::unexpected<Error>(ledger.error()));
    if (!appended) {
      log::error("{} rows: {}", rows.size(), escaped(appended.error().text()));
      recorded = tl::unexpected<Error>(appended.error());
    }
  }
  for (auto& reply : replies) {
    if (!recorded) {
      const auto id = reply.answer->id;
      reply.answer = Answer{Status::failed, id};
      reply.answer->what = "it cannot be recorded now, so nobody can say that it was done";
    }
    m_server.send(reply.client, ask::answer_line(*reply.answer));
    m_server.finish(reply.client);
  }
}

// --- the checks ----------------------------------------------------------------------------------

std::optional<Answer> Door::hear(const Line& line)
{
  Hearing hearing;
  const auto now = serve::Clock::now();
  if (const auto wait = m_requests.take(now); wait.count() > 0) {
    ++m_suppressed;
    Answer answer{Status::busy};
    answer.what = "too many requests";
    answer.retry = wait;
    return answer;
  }
  auto request = ask::parse_request(line.text);
  if (!request) {
    return refuse(hearing, "request", "the gate cannot read this request: " + request.error().what);
  }
  hearing.request = std::move(*request);
  auto answer = judge(hearing, line.client);
  if (answer) {
    answer->id = hearing.request.id;
  }
  return answer;
}

std::optional<Answer> Door::judge(Hearing& hearing, serve::ClientId client)
{
  const auto& request = hearing.request;
  const auto compiled = open_dir(m_place.site.compiled());
  auto settings = compiled ? load_gate_door(*compiled, m_place.agent)
                           : Result<GateDoor>(tl::unexpected<Error>(compiled.error()));
  if (!settings) {
    log::error("{}", escaped(settings.error().text()));
    return refuse(hearing, "settings",
      "this gate has no settings: an administrator runs "
      "conos-bootstrap");
  }
  hearing.settings = std::move(*settings);
  auto task = task_worked_on(m_place.site, m_place.agent, request.task);
  if (!task) {
    return refuse(hearing, "task", task.error().text());
  }
  hearing.task = std::move(*task);
  hearing.verb = find_gate_verb(request.verb);
  if (hearing.verb == nullptr) {
    return refuse(hearing, "verb",
      fmt::format(
        "there is no verb '{}': 'conos ask' alone lists them", escaped(request.verb, 40)));
  }
  if (const auto good = check_arguments(*hearing.verb, request.args); !good) {
    return refuse(hearing, "arguments", good.error().what);
  }
  const auto argument = argument_of(*hearing.verb, request.args);
  std::string tier;
  if (request.verb == "task.send") {
    const auto other = load_agent_settings(*compiled, argument);
    tier = other ? to_string(other->tier) : "";
  }
  hearing.decision = decide(*hearing.settings, {request.verb, argument, tier});
  hearing.by = hearing.decision.pattern.empty() ? "usual" : hearing.decision.pattern;

  Result<std::optional<Answer>> answer = std::nullopt;
  switch (hearing.decision.rule) {
  case GateRule::deny:
    return refuse_by_policy(hearing, hearing.decision);
  case GateRule::ask:
    answer = put_before_person(hearing, client);
    break;
  case GateRule::allow:
    if (is_carried_out_apart(request.verb)) {
      answer =
        carry_out(hearing, {"policy", "", hearing.decision.pattern, "", conos::now(), {}}, client)
          .map([] {
            return std::optional<Answer>();
          });
    } else {
      answer = do_at_once(hearing).map([](Answer&& one) {
        return std::optional(std::move(one));
      });
    }
    break;
  }
  if (!answer) {
    const auto& error = answer.error();
    const auto* reason = error.kind == Kind::denied      ? "policy"
                         : error.kind == Kind::bad_data  ? "arguments"
                         : error.kind == Kind::not_found ? "not-found"
                         : error.kind == Kind::busy      ? "busy"
                                                         : "system";
    return refuse(hearing, reason, error.text());
  }
  if (*answer && (*answer)->status == Status::done && !hearing.has_row) {
    m_rows.push_back(granted_row(
      m_desk.actor(), hearing.about(m_place.agent, keep(request.args)), "done", hearing.by, ""));
  }
  return std::move(*answer);
}

Answer Door::refuse(const Hearing& hearing, std::string reason, std::string what)
{
  Answer answer{Status::refused};
  answer.id = hearing.request.id;
  answer.reason = std::move(reason);
  answer.what = std::move(what);
  if (m_refusals.take(serve::Clock::now()).count() > 0) {
    ++m_suppressed;
    return answer;
  }
  const auto digest = hearing.request.verb.empty() ? "" : keep(hearing.request.args);
  m_rows.push_back(refused_row(m_desk.actor(), hearing.about(m_place.agent, digest), answer.reason,
    answer.what, std::exchange(m_suppressed, 0)));
  return answer;
}

Answer Door::refuse_by_policy(const Hearing& hearing, const GateDecision& decision)
{
  const auto argument = argument_of(*hearing.verb, hearing.request.args);
  const auto shown = hearing.verb->argument.empty()
                       ? std::string(hearing.verb->name)
                       : fmt::format("{}:{}", hearing.verb->name, argument);
  auto answer = refuse(hearing, "policy",
    decision.pattern.empty() ? fmt::format("agent {} may not ask for {}", m_place.agent, shown)
                             : fmt::format("agent {} may not ask for {}: it is denied by '{}'",
                                 m_place.agent, shown, decision.pattern));
  answer.line = lines_of_toml(hearing.verb->is_proposal ? "ask" : "allow", shown);
  return answer;
}

// A digest of the arguments, which are kept under it, without keys and passwords.
std::string Door::keep(const ask::Arguments& args)
{
  const auto text = m_redactor.redacted(canonical(args));
  auto digest = audit::sha256_hex(text);
  if (m_kept.contains(digest)) {
    return digest;
  }
  if (const auto kept = m_bodies.put(text); !kept) {
    log::warning("a request is not kept: {}", escaped(kept.error().text()));
  } else if (m_kept.size() < k_max_kept) {
    m_kept.insert(digest);
  }
  return digest;
}

// --- what is done at once --------------------------------------------------------------------

Result<Answer> Door::do_at_once(Hearing& hearing)
{
  const auto& verb = hearing.request.verb;
  return verb == "task.send"         ? send_task(hearing)
         : verb == "note"            ? write_note(hearing)
         : verb == "query"           ? query(hearing)
         : verb == "service.status"  ? service_status(hearing)
         : verb == "approval.status" ? approval_status(hearing)
                                     : on_task_contract(hearing);
}

Result<Answer> Door::send_task(Hearing& hearing)
{
  const auto& args = hearing.request.args;
  const auto& to = args.at("to");
  CONOS_TRY(const auto compiled, open_dir(m_place.site.compiled()));
  CONOS_TRY(const auto own, load_agent_settings(compiled, m_place.agent));
  if (!std::binary_search(own.may_task.begin(), own.may_task.end(), to)) {
    auto answer =
      refuse(hearing, "policy", fmt::format("agent {} may not give '{}' tasks", own.name, to));
    answer.line = fmt::format("may_task = [\"{}\"]", to);
    return answer;
  }
  const auto reply_to = args.find("reply_to");
  if (reply_to != args.end() && reply_to->second != own.name) {
    return refuse(hearing, "arguments", "an answer can come back to you and to nobody else");
  }
  if (hearing.task->hop >= own.max_hops) {
    return refuse(hearing, "policy",
      fmt::format("this task is the {}. of a chain, and a chain has no more", hearing.task->hop));
  }
  if (const auto wait = m_tasks.take(serve::Clock::now()); wait.count() > 0) {
    ++m_suppressed;
    Answer answer{Status::busy};
    answer.what = "too many tasks";
    answer.retry = wait;
    return answer;
  }
  Envelope envelope;
  envelope.body = args.at("body");
  if (envelope.body.size() > own.max_task_bytes) {
    return refuse(
      hearing, "arguments", fmt::format("a task has at most {} bytes", own.max_task_bytes));
  }
  CONOS_CHECK(has_room_for_task(m_place.site, to, own.inbox_max_per_sender));

  Meta meta;
  CONOS_TRY(meta.id, new_task_id(conos::now()));
  meta.root = meta.id; // who waits for the asking task's answer does not wait for this one's
  meta.parent = hearing.task->id;
  meta.hop = hearing.task->hop + 1;
  meta.agent = to;
  meta.sender = {hearing.settings->uid, "a-" + own.name, own.name};
  meta.trust = Trust::unverified;
  meta.submitted_at = conos::now();
  if (const auto title = args.find("title"); title != args.end()) {
    meta.title = title->second;
  }
  if (const auto thread = args.find("thread"); thread != args.end()) {
    meta.thread.id = thread->second;
    meta.thread.key = thread_key(meta.thread, meta.sender);
  }
  if (reply_to != args.end()) {
    meta.reply = "inbox";
    meta.reply_to = own.name;
  }
  CONOS_CHECK(put_in_transit(m_place.site, meta, to_text(envelope)));
  return done({{"id", meta.id}, {"to", to}});
}

Result<Answer> Door::write_note(Hearing& hearing)
{
  const auto& args = hearing.request.args;
  const Json payload{{"agent", m_place.agent}, {"id", hearing.task->id},
    {"root", hearing.task->root}, {"text", args.at("text")}};
  m_rows.push_back({"note." + args.at("name"), "a-" + m_place.agent, dumped(payload), ""});
  hearing.has_row = true;
  return done(Json::object());
}

Result<Answer> Door::query(Hearing& hearing)
{
  const auto& what = hearing.request.args.at("what");
  if (what == "agents" || what == "capacity") {
    return done({{what, part_of_facts(m_place.site, what)}});
  }
  if (what == "contracts") {
    return done({{"contracts", state_of_contracts(m_place.site)}});
  }
  if (what == "ledger") {
    const auto count = hearing.request.args.find("count");
    std::int64_t most = k_usual_rows;
    if (count != hearing.request.args.end()) {
      (void)std::from_chars(
        count->second.data(), count->second.data() + count->second.size(), most); // it was checked
    }
    CONOS_TRY(auto* reader, m_desk.reader());
    CONOS_TRY(auto rows, own_rows(*reader, m_place.agent, static_cast<std::size_t>(most)));
    return done({{"ledger", std::move(rows)}});
  }
  auto verbs = Json::array();
  for (const auto& verb : gate_verbs()) {
    verbs.push_back(
      {{"verb", verb.name}, {"rule", to_string(best_rule(*hearing.settings, verb.name))},
        {"arguments", usage_of(verb.name)}, {"help", verb.help}});
  }
  return done({{"verbs", std::move(verbs)}, {"allow", hearing.settings->policy.allow},
    {"ask", hearing.settings->policy.ask}, {"deny", hearing.settings->policy.deny}});
}

Result<Answer> Door::service_status(Hearing& hearing)
{
  const auto& unit = hearing.request.args.at("unit");
  CONOS_TRY(const auto state, m_place.unit_state(unit));
  return done({{"unit", unit}, {"load", state.load}, {"active", state.active}, {"sub", state.sub},
    {"result", state.result}, {"since", json_of(state.since)}});
}

// Another agent's is answered like one that is not there.
Result<Answer> Door::approval_status(Hearing& hearing)
{
  const auto& id = hearing.request.args.at("id");
  auto request = m_desk.requests().load(id);
  if (!request || request->agent != m_place.agent || !was_asked(*request)) {
    return refuse(hearing, "not-found", fmt::format("there is no request {} of yours", id));
  }
  Json result{{"approval", id}, {"state", to_string(request->state)}, {"verb", request->verb},
    {"expires_at", rfc3339(request->expires_at)}, {"reason", Json()}, {"what", Json()},
    {"result", Json()}};
  if (request->decision && !request->decision->reason.empty()) {
    result["reason"] = request->decision->reason;
  }
  if (request->ending) {
    result["what"] = request->ending->what;
    if (!request->ending->result.empty()) {
      result["result"] = Json::parse(request->ending->result, nullptr, false);
    }
  }
  return done(result);
}

// Whoever completes it has them run as root, so they are as for contract.run.
Result<> Door::may_name_checks(const Hearing& hearing) const
{
  for (const auto& check : checks_named(hearing.request.args)) {
    if (decide(*hearing.settings, {"contract.run", check}).rule != GateRule::allow) {
      return fail(Kind::denied,
        "agent {} may not have '{}' run: gate = {{ allow = [\"contract.run:{}\"] }}", m_place.agent,
        check, check);
    }
  }
  return {};
}

Result<Answer> Door::on_task_contract(Hearing& hearing)
{
  const auto& [verb, args, id, task] = hearing.request;
  if (!is_task_contract_deed(verb)) {
    CONOS_TRY(auto seen, look_at_task_contracts(
                           m_place.site, verb, args, "a-" + m_place.agent, hearing.settings->tier));
    return done(seen);
  }
  if (verb == "contract.open") {
    CONOS_CHECK(may_name_checks(hearing));
    if (const auto wait = m_tasks.take(serve::Clock::now()); wait.count() > 0) {
      ++m_suppressed;
      Answer answer{Status::busy};
      answer.what = "too many task contracts";
      answer.retry = wait;
      return answer;
    }
  }
  CONOS_TRY(auto* ledger, m_desk.ledger());
  const auto contract = do_task_contract_deed(
    m_place.site, *ledger, verb, args, actor_of(m_place.agent, hearing.task->id));
  if (contract) {
    return done(*contract);
  }
  const auto kind = contract.error().kind;
  const bool is_its_state = kind == Kind::denied || kind == Kind::busy || kind == Kind::exists;
  return is_its_state ? Result<Answer>(refuse(hearing, "state", contract.error().text()))
                      : tl::unexpected<Error>(contract.error());
}

// --- what takes a person, or a unit ------------------------------------------------------------

Request Door::request_for(const Hearing& hearing, Duration lives)
{
  Request request;
  request.agent = m_place.agent;
  request.uid = hearing.settings->uid;
  request.task = *hearing.task;
  request.verb = hearing.request.verb;
  request.args = hearing.request.args;
  request.pattern = hearing.decision.pattern;
  request.requested_at = conos::now();
  request.expires_at = request.requested_at + lives;
  return request;
}

Result<std::optional<Answer>> Door::put_before_person(Hearing& hearing, serve::ClientId client)
{
  const auto& asked = hearing.request;
  CONOS_TRY(const auto all, m_desk.requests().all());
  const auto subject = subject_of(m_place.agent, asked.verb, asked.args);
  std::size_t waiting = 0;
  const Request* same = nullptr;
  const Request* grant = nullptr;
  const auto now = conos::now();
  for (const auto& one : all.requests) {
    const bool is_own = one.agent == m_place.agent;
    const bool says_it = is_own && subject_of(one.agent, one.verb, one.args) == subject;
    if (is_own && one.state == State::pending && now < one.expires_at) {
      ++waiting;
      same = says_it && one.task.id == hearing.task->id ? &one : same;
    }
    const bool permits = one.decision && one.state != State::denied && one.decision->until &&
                         now < *one.decision->until;
    grant = says_it && permits && one.decision->grant.empty() ? &one : grant;
  }
  if (grant != nullptr && hearing.verb->is_proposal) {
    grant = nullptr; // the same agent twice makes no sense
  }
  if (grant != nullptr) {
    CONOS_TRY(const auto row, m_desk.find_row(decided_key(grant->id)));
    const auto decided = row ? decided_in(*grant, row->payload) : std::nullopt;
    if (decided && decided->is_allowed && decided->decision.until == grant->decision->until) {
      CONOS_CHECK(carry_out(
        hearing, {grant->decision->by, "", hearing.decision.pattern, grant->id, now, {}}, client));
      return std::nullopt;
    }
  }
  Answer answer{Status::pending};
  if (same != nullptr) {
    answer.approval = same->id;
    answer.expires_at = rfc3339(same->expires_at);
    hearing.has_row = true;
    return answer;
  }
  if (waiting >= hearing.settings->approvals_max) {
    return refuse(hearing, "too-many",
      fmt::format("{} requests of agent {} wait for a person already", waiting, m_place.agent));
  }
  auto request = request_for(hearing, hearing.settings->approval_timeout);
  CONOS_CHECK(seal(request));
  CONOS_CHECK(examine_proposal(request));
  (void)keep(request.args);
  CONOS_CHECK(file_pending(m_desk, request));
  log::notice("agent {} asks for {}: 'conos-approve show {}' shows it", m_place.agent, request.verb,
    request.id);
  answer.approval = request.id;
  answer.expires_at = rfc3339(request.expires_at);
  return answer;
}

// Nobody is asked about what cannot be.
Result<> Door::examine_proposal(const Request& request)
{
  const auto proposal = proposal_of(request.verb);
  if (proposal.key.empty()) {
    return {};
  }
  const auto& text = request.args.find(proposal.key)->second;
  CONOS_TRY(const auto path, m_desk.requests().keep_proposal(request.id, proposal.end, text));
  const auto complaint = complaint_about(request.verb, path, m_place.hands);
  if (complaint && complaint->empty()) {
    return {};
  }
  CONOS_CHECK(m_desk.requests().remove(request.id));
  return complaint ? fail(Kind::bad_data, "{}", *complaint)
                   : Result<>(tl::unexpected<Error>(complaint.error()));
}

Result<> Door::carry_out(Hearing& hearing, Decision decision, serve::ClientId client)
{
  if (m_waiting.size() >= k_most_waiting) {
    return fail(
      Kind::busy, "{} requests of agent {} are being carried out", m_waiting.size(), m_place.agent);
  }
  auto request = request_for(hearing, k_time_to_begin);
  CONOS_CHECK(seal(request));
  (void)keep(request.args);
  CONOS_TRY(const auto allowed, file_allowed(m_desk, std::move(request), std::move(decision)));
  Answer answer;
  answer.id = hearing.request.id;
  m_waiting[allowed.id] = {client, answer};
  hearing.has_row = true;
  if (const auto started = m_place.start(allowed.id); !started) { // tick() tries again
    log::warning("request {}: {}", allowed.id, escaped(started.error().text()));
  }
  return {};
}

// Requests change by being replaced, so a name that came is all there is to hear of.
void Door::hear_of_changes()
{
  std::array<char, 4096> buffer;
  bool any = false;
  while (::read(m_watch.get(), buffer.data(), buffer.size()) > 0) {
    any = true;
  }
  if (any) {
    std::vector<std::string> ids;
    for (const auto& [id, reply] : m_waiting) {
      ids.push_back(id);
    }
    for (const auto& id : ids) {
      look_after(id);
    }
  }
}

void Door::look_after(const std::string& id)
{
  const auto request = m_desk.requests().load(id);
  auto answer = request ? answer_about(*request) : std::nullopt;
  if (!request && !is_passing(request.error())) {
    answer = Answer{Status::failed};
    answer->what = request.error().text();
  }
  if (!answer) {
    return;
  }
  auto reply = std::move(m_waiting[id]);
  m_waiting.erase(id);
  answer->id = reply.answer->id;
  reply.answer = std::move(answer);
  m_replies.push_back(std::move(reply));
}

// Of those whose unit has died nobody hears otherwise.
void Door::look_after_all()
{
  std::vector<std::string> ids;
  for (const auto& [id, reply] : m_waiting) {
    ids.push_back(id);
  }
  for (const auto& id : ids) {
    if (const auto mended = mend_one(m_desk, m_place.start, id, conos::now()); !mended) {
      log::warning("request {}: {}", id, escaped(mended.error().text()));
    }
    look_after(id);
  }
}

} // namespace conos::gate
