// conos-approve - decide what agents ask a person for
#include "cli/tool.hpp"
#include "gate/desk.hpp"
#include "gate/show.hpp"
#include "host/provenance.hpp"
#include "host/units.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

constexpr Duration k_longest_grant = std::chrono::hours(24 * 7);
constexpr Duration k_time_to_do_it = std::chrono::minutes(31); // conos-granted@.service has 30
constexpr std::size_t k_max_reason = 1000;
constexpr std::size_t k_max_config_bytes = 1U << 20U;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<gate::Desk> open_desk()
{
  if (::geteuid() != 0) {
    return fail(Kind::denied, "only root may do this");
  }
  return gate::Desk::open(Site(), "root/conos-approve");
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_TRY(const auto desk, open_desk());
  CONOS_TRY(auto all, desk.requests().all());
  for (const auto& [id, error] : all.trouble) {
    log::error("{}", escaped(error.text()));
  }
  const auto time = now();
  if (!args.has("all")) {
    std::erase_if(all.requests, [&](const gate::Request& request) {
      return request.state != gate::State::pending || request.expires_at <= time;
    });
  }
  if (args.has("json")) {
    for (const auto& request : all.requests) {
      print(gate::json_line(request));
    }
  } else {
    print(gate::list_text(all.requests, time));
  }
  return all.trouble.empty() ? Exit::ok : Exit::bad_data;
}

Result<Exit> show(const cli::Args& args)
{
  CONOS_TRY(const auto desk, open_desk());
  CONOS_TRY(const auto request, desk.requests().load(args.operands.front()));
  if (args.has("json")) {
    print(gate::json_line(request));
    return Exit::ok;
  }
  const auto config = read_path(Site().etc + "/conos.toml", k_max_config_bytes);
  print(gate::show_text(request, gate::consequences_of(request, config.value_or("")), now()));
  return Exit::ok;
}

Result<gate::Decision> decision_of(const cli::Args& args)
{
  gate::Decision decision;
  decision.by = acting_account();
  decision.reason = args["reason"];
  decision.at = now();
  if (decision.reason.size() > k_max_reason || !is_utf8(decision.reason)) {
    return fail(Kind::usage, "a reason is UTF-8 text of at most {} bytes", k_max_reason);
  }
  return decision;
}

Result<Exit> allow(const cli::Args& args)
{
  const auto& id = args.operands.front();
  CONOS_TRY(auto decision, decision_of(args));
  if (args.has("for")) {
    CONOS_TRY(const auto time, parse_duration(args["for"]));
    if (time <= Duration(0) || time > k_longest_grant) {
      return fail(Kind::usage, "--for takes up to 7d");
    }
    decision.until = decision.at + time;
  }
  CONOS_TRY(auto desk, open_desk());
  CONOS_CHECK(gate::decide(desk, id, true, decision));
  log::notice("request {} is allowed; it is carried out by {}", id, gate::unit_of(id));
  CONOS_TRY(const auto units, Units::connect(k_time_to_do_it));
  const auto carried_out = units.start(gate::unit_of(id)); // what came of it is on record
  CONOS_TRY(const auto request, gate::mend_one(desk, gate::start_unit, id, now()));
  print(args.has("json") ? gate::json_line(request)
                         : fmt::format("{} {}{}{}\n", id, gate::to_string(request.state),
                             request.ending ? ": " : "",
                             request.ending ? escaped_lines(request.ending->what) : ""));
  if (!carried_out) {
    log::error("{}", escaped(carried_out.error().text()));
  }
  return request.state == gate::State::done ? Exit::ok : Exit::no;
}

Result<Exit> deny(const cli::Args& args)
{
  const auto& id = args.operands.front();
  CONOS_TRY(const auto decision, decision_of(args));
  CONOS_TRY(auto desk, open_desk());
  CONOS_TRY(const auto request, gate::decide(desk, id, false, decision));
  CONOS_CHECK(gate::tell(desk, id));
  print(args.has("json") ? gate::json_line(request) : id + " denied\n");
  return Exit::ok;
}

const cli::Option k_json{"json", "print JSON, one object a line"};
const cli::Option k_reason{"reason", "why, for the agent and the ledger", "TEXT"};

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-approve",
      .purpose = "decide what agents ask a person for",
      .verbs =
        {
          {"list", "the requests that wait for a person", "",
            {k_json, {"all", "those that were decided or have ended, too", "", "", 'a'}}, list},
          {"show", "all of a request, and what it would do", "ID", {k_json}, show},
          {"allow", "have it done, now and once", "ID",
            {{"for", "and the same again without asking, for so long", "DURATION"}, k_reason,
              k_json},
            allow},
          {"deny", "it is not done", "ID", {k_reason, k_json}, deny},
        },
      .section = "8",
    });
}
