#include "budget/current.hpp"

#include "sys/file.hpp"

#include <nlohmann/json.hpp>

namespace conos::budget {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_bytes = 4096;

std::string name_of(const std::string& agent)
{
  return agent + ".json";
}

} // namespace

Result<> write_current(
  const std::string& directory, const std::string& agent, const CurrentTask& task)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  CONOS_TRY(const auto st, stat_of(dir));
  const Json json{{"id", task.id}, {"root", task.root}, {"attempt", task.attempt}};
  return replace(
    dir, name_of(agent), json.dump() + "\n", 0640, {st.st_uid, st.st_gid}, Durable::later);
}

Result<> remove_current(const std::string& directory, const std::string& agent)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  return remove_name(dir, name_of(agent));
}

Result<std::optional<CurrentTask>> read_current(
  const std::string& directory, const std::string& agent)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  const auto text = read_file(dir, name_of(agent), k_max_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<std::optional<CurrentTask>>(std::nullopt)
                                                : tl::unexpected<Error>(text.error());
  }
  try {
    const auto json = Json::parse(*text);
    return CurrentTask{json.at("id"), json.at("root"), json.at("attempt")};
  } catch (const Json::exception&) {
    return fail(Kind::bad_data, "'{}' is not what claim writes", name_of(agent));
  }
}

} // namespace conos::budget
