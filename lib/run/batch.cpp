#include "run/batch.hpp"

#include "sys/file.hpp"

#include <nlohmann/json.hpp>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr const char* k_file = "batch.json";
constexpr std::size_t k_max_bytes = 1U << 20U;

template<class Read>
auto read_json(std::string_view text, const Read& read) -> Result<decltype(read(Json()))>
{
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not what was written there: {}", error.what());
  }
}

Time time_of(const Json& json)
{
  const auto time = parse_rfc3339(json.get<std::string>());
  if (!time) {
    throw std::runtime_error("not a time");
  }
  return *time;
}

} // namespace

Result<> write_batch(const UniqueFd& top, const Batch& batch, gid_t gid)
{
  const Json json{
    {"v", 1},
    {"invocation", batch.invocation},
    {"agent", batch.agent},
    {"uid", batch.uid},
    {"tasks", batch.tasks},
    {"runner", batch.runner},
    {"environment", batch.environment},
    {"writable", batch.writable},
    {"timeout_ms", batch.timeout.count()},
    {"max_output_bytes", batch.max_output_bytes},
  };
  return replace(top, k_file, json.dump(1) + "\n", 0440, {0, gid});
}

Result<> remove_batch(const UniqueFd& top)
{
  return remove_name(top, k_file);
}

Result<Batch> read_batch(const UniqueFd& top)
{
  CONOS_TRY(const auto text, read_file(top, k_file, k_max_bytes));
  return read_json(text, [](const Json& json) {
    Batch batch;
    batch.invocation = json.at("invocation");
    batch.agent = json.at("agent");
    batch.uid = json.at("uid");
    batch.tasks = json.at("tasks");
    batch.runner = json.at("runner");
    batch.environment = json.at("environment");
    batch.writable = json.at("writable");
    batch.timeout = Duration(json.at("timeout_ms").get<Duration::rep>());
    batch.max_output_bytes = json.at("max_output_bytes");
    return batch;
  }).map_error(during("read 'batch.json'"));
}

std::string to_json(const RunRecord& record)
{
  return Json{{"started_at", rfc3339(record.started_at)},
           {"finished_at", rfc3339(record.finished_at)}, {"how", record.how},
           {"status", record.status}, {"log_cut", record.log_cut}}
           .dump() +
         "\n";
}

Result<RunRecord> run_record_from_json(std::string_view text)
{
  return read_json(text, [](const Json& json) {
    RunRecord record;
    record.started_at = time_of(json.at("started_at"));
    record.finished_at = time_of(json.at("finished_at"));
    record.how = json.at("how");
    record.status = json.at("status");
    record.log_cut = json.at("log_cut");
    return record;
  });
}

} // namespace conos
