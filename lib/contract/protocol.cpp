#include "contract/protocol.hpp"

#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::contract {

namespace {

using Json = nlohmann::json;

std::string line_of(const Row& row)
{
  auto line = fmt::format("  {:<7}  {}", name_of(row.status), label_of(row));
  line += row.message.empty() ? "" : ": " + escaped(row.message, 500);
  const bool is_finding = is_bad(row.status) || row.status == Status::warn;
  return line + (is_finding ? fmt::format(" [{}]\n", escaped(row.what(), 500)) : "\n");
}

} // namespace

std::string protocols_text(const Loaded& loaded)
{
  std::string out;
  for (const auto& contract : loaded.contracts) {
    if (contract.is_protocol()) {
      out += fmt::format("{}  {}  before: {}\n", contract.id, escaped(contract.description, 300),
        contract.trigger.empty() ? "(it does not say)" : escaped(contract.trigger, 300));
    }
  }
  return out.empty() ? "there are no protocols\n" : out;
}

std::string protocols_json(const Loaded& loaded)
{
  auto out = Json::array();
  for (const auto& contract : loaded.contracts) {
    if (contract.is_protocol()) {
      out.push_back({{"id", contract.id}, {"description", contract.description},
        {"trigger", contract.trigger}, {"file", contract.source.file}});
    }
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<const Contract*> find_protocol(const Loaded& loaded, const std::string& id)
{
  std::vector<std::string> ids;
  for (const auto& contract : loaded.contracts) {
    if (contract.id == id) {
      return &contract;
    }
    ids.push_back(contract.id);
  }
  const auto near = nearest(id, ids);
  const auto* const hint =
    loaded.invalid.empty() ? "" : "; some files are invalid: see 'conos-contract lint'";
  return fail(Kind::bad_data, "there is no contract '{}'{}{}", escaped(id, 100),
    near ? fmt::format(" (did you mean '{}'?)", *near) : "", hint);
}

Result<> check_is_in(const Contract& contract, const std::string& check)
{
  const bool is_in =
    std::any_of(contract.checks.begin(), contract.checks.end(), [&](const Check& one) {
      return one.name == check;
    });
  return is_in
           ? Result<>{}
           : fail(Kind::usage, "contract '{}' has no check '{}'", contract.id, escaped(check, 100));
}

Result<Gate> ask_gate(std::shared_ptr<const Loaded> loaded, const std::string& id,
  const std::vector<Exemption>& exemptions)
{
  EvaluateOptions options;
  options.selection.ids = {id};
  options.exemptions = exemptions;
  Gate gate;
  CONOS_TRY(gate.report, evaluate(std::move(loaded), options));
  for (const auto& row : gate.report.rows) {
    // another file that is invalid says nothing of this one
    gate.blocking += row.invalid == nullptr && is_bad(row.status) ? 1U : 0U;
  }
  return gate;
}

std::string gate_text(const Gate& gate, const std::string& id)
{
  std::string out;
  for (const auto& row : gate.report.rows) {
    out += row.invalid == nullptr ? line_of(row) : "";
  }
  return out + (gate.is_clear()
                   ? fmt::format("OK: {}\n", escaped(id, 100))
                   : fmt::format("BLOCKED: {}: {} {} no\n", escaped(id, 100), gate.blocking,
                       gate.blocking == 1 ? "check says" : "checks say"));
}

} // namespace conos::contract
