#include "plan/profile.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::plan {

namespace {

constexpr std::size_t k_max_names = 1000;
constexpr std::size_t k_max_file_bytes = 1U << 20U;
constexpr int k_deepest = 5;
constexpr std::string_view k_config = "conos.toml";

Result<UniqueFd> open_or_make(const UniqueFd& dir, const std::string& name)
{
  const auto made = make_dir(dir, name, 0755);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  return open_dir_at(dir, name);
}

Result<> copy_file(const UniqueFd& from, const UniqueFd& to, const std::string& name)
{
  CONOS_TRY(const auto text, read_file(from, name, k_max_file_bytes));
  const auto put = publish(to, name, text, 0644);
  return !put && put.error().kind == Kind::exists ? Result<>{} : put;
}

Result<> copy_tree(const UniqueFd& from, const UniqueFd& to, int depth)
{
  CONOS_TRY(const auto names, list_names(from, k_max_names));
  for (const auto& name : names) {
    CONOS_TRY(const auto st, stat_at(from, name));
    if (S_ISDIR(st.st_mode) && depth > 0) {
      CONOS_TRY(const auto source, open_dir_at(from, name));
      CONOS_TRY(const auto target, open_or_make(to, name));
      CONOS_CHECK(copy_tree(source, target, depth - 1));
    } else if (S_ISREG(st.st_mode) && name != k_config) {
      CONOS_CHECK(copy_file(from, to, name));
    }
  }
  return {};
}

} // namespace

Result<std::string> profile_path(const Place& place, const std::string& name)
{
  const auto all = place.root + "/usr/share/conos/profiles";
  CONOS_TRY(const auto dir, open_dir(all).map_error(during("look for profiles")));
  if (!is_plain_name(name) || !exists_at(dir, name)) {
    CONOS_TRY(auto names, list_names(dir, k_max_names));
    std::sort(names.begin(), names.end());
    return fail(Kind::not_found, "there is no profile '{}'; there are: {}", escaped(name),
      escaped(join(names, ", ")));
  }
  return all + "/" + name;
}

Result<> copy_profile(const Place& place, const std::string& from)
{
  const auto purpose = during("copy '" + from + "' to /etc/conos");
  CONOS_TRY(const auto source, open_dir(from).map_error(purpose));
  CONOS_TRY(const auto above, open_dir(place.root + "/etc"));
  const auto made = make_dir(above, "conos", 0700);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(purpose(made.error()));
  }
  CONOS_TRY(const auto target, open_dir_at(above, "conos"));
  const std::string config(k_config);
  if (exists_at(target, config)) {
    return fail(Kind::exists,
      "there is an /etc/conos/conos.toml already; without --profile it is applied as it is");
  }
  CONOS_CHECK(copy_tree(source, target, k_deepest).map_error(purpose));
  return copy_file(source, target, config).map_error(purpose);
}

} // namespace conos::plan
