#include "plan/fill.hpp"

namespace conos::plan {

namespace {

bool is_placeholder(std::string_view text)
{
  return !text.empty() &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == text.npos;
}

} // namespace

Result<std::string> filled(std::string_view text, const Values& values)
{
  std::string out;
  for (;;) {
    const auto at = text.find('@');
    const auto end = at == text.npos ? at : text.find('@', at + 1);
    if (end == text.npos) {
      return out += text;
    }
    const auto name = text.substr(at + 1, end - at - 1);
    const auto value = values.find(name);
    if (!is_placeholder(name)) {
      out += text.substr(0, end); // the second one may begin another
      text.remove_prefix(end);
      continue;
    }
    if (value == values.end()) {
      return fail(Kind::config, "a template asks for @{}@, which conos does not know", name);
    }
    out += text.substr(0, at);
    out += value->second;
    text.remove_prefix(end + 1);
  }
}

} // namespace conos::plan
