#include "task/id.hpp"

#include "sys/id.hpp"

#include <algorithm>

namespace conos {

Result<std::string> new_task_id(Time time)
{
  CONOS_TRY(const auto salt, random_hex(8));
  return compact_stamp_us(time) + "-" + salt;
}

bool is_task_id(std::string_view stem)
{
  constexpr std::size_t k_longest = 128;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !stem.empty() && stem.size() <= k_longest && stem.front() != '.' && stem.front() != '-' &&
         std::all_of(stem.begin(), stem.end(), plain);
}

std::string_view task_stem(std::string_view file_name)
{
  constexpr std::string_view k_end = ".task";
  return file_name.ends_with(k_end) ? file_name.substr(0, file_name.size() - k_end.size())
                                    : std::string_view();
}

} // namespace conos
