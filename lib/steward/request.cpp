#include "steward/request.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::steward {

namespace {

constexpr std::string_view k_skill = "## Skill: ";
constexpr std::size_t k_max_steps = 64;
constexpr std::size_t k_max_step_bytes = 500;

// The nonce in the last line, "TASK nonce>>>". That line is claim's own: it closes the prompt.
std::string_view nonce_of(std::string_view prompt)
{
  constexpr std::string_view k_begin = "TASK ";
  constexpr std::string_view k_end = ">>>";
  const auto text = prompt.substr(0, prompt.find_last_not_of('\n') + 1);
  const auto line = text.substr(text.rfind('\n') + 1);
  if (!line.starts_with(k_begin) || !line.ends_with(k_end)) {
    return {};
  }
  const auto nonce = line.substr(k_begin.size(), line.size() - k_begin.size() - k_end.size());
  const bool is_hex = nonce.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_hex && nonce.size() >= 8 ? nonce : std::string_view();
}

// "1. Text" at the start of a line.
bool is_numbered(std::string_view line)
{
  const auto digits = line.find_first_not_of("0123456789");
  return digits != std::string_view::npos && digits > 0 && digits < 4 &&
         line.substr(digits).starts_with(". ");
}

std::vector<std::string> steps_of(const std::vector<std::string_view>& lines)
{
  std::vector<std::string> steps;
  bool is_inside = false;
  for (const auto line : lines) {
    if (is_numbered(line) && steps.size() < k_max_steps) {
      steps.emplace_back(trimmed(line.substr(line.find(". ") + 2)));
      is_inside = true;
    } else if (is_inside && line.starts_with(' ') && !trimmed(line).empty()) {
      steps.back() += " " + std::string(trimmed(line)); // it goes on
    } else {
      is_inside = false;
    }
  }
  for (auto& step : steps) {
    step = clipped(step, k_max_step_bytes);
  }
  return steps;
}

// "- NAME: what for", for each skill; without its steps, which only a skill asked for comes with.
std::vector<Skill> listed_skills(std::string_view text)
{
  constexpr std::string_view k_list = "\n## Skills\n";
  std::vector<Skill> skills;
  const auto start = text.find(k_list);
  if (start == std::string_view::npos) {
    return skills;
  }
  for (const auto line : split(text.substr(start + k_list.size()), '\n')) {
    const auto end = line.find(": ");
    if (!line.starts_with("- ") || end == std::string_view::npos) {
      break;
    }
    skills.push_back({std::string(line.substr(2, end - 2)), {}});
  }
  return skills;
}

Skill& skill_called(std::vector<Skill>& skills, const std::string& name)
{
  const auto known = std::find_if(skills.begin(), skills.end(), [&](const Skill& skill) {
    return skill.name == name;
  });
  return known != skills.end() ? *known : skills.emplace_back(Skill{name, {}});
}

// A skill has headings of its own; only the next section of the prompt ends it.
std::vector<Skill> skills_of(std::string_view text)
{
  auto skills = listed_skills(text);
  std::string name;
  std::vector<std::string_view> lines;
  const auto close = [&] {
    if (!name.empty()) {
      skill_called(skills, name).steps = steps_of(lines);
    }
    lines.clear();
  };
  for (const auto line : split(text, '\n')) {
    if (line.starts_with(k_skill)) {
      close();
      name = trimmed(line.substr(k_skill.size()));
    } else {
      lines.push_back(line);
    }
  }
  close();
  return skills;
}

// What stands before the first quotation of somebody else's text.
std::string_view ours(std::string_view prompt, std::string_view nonce)
{
  auto end = prompt.size();
  for (const auto* what :
    {"<<<STATE ", "<<<SUMMARY ", "<<<OPEN ", "<<<MESSAGE ", "<<<ANSWER ", "<<<TASK "}) {
    end = std::min(end, prompt.find("\n" + (what + std::string(nonce)) + "\n"));
  }
  return prompt.substr(0, end);
}

} // namespace

Request read_request(std::string_view prompt)
{
  Request request;
  const auto nonce = nonce_of(prompt);
  const auto open = fmt::format("<<<TASK {}\n", nonce);
  const auto start = nonce.empty() ? std::string_view::npos : prompt.find(open);
  if (start == std::string_view::npos) {
    request.text = prompt;
    return request;
  }
  const auto body = start + open.size();
  request.text = prompt.substr(body, prompt.rfind("TASK ") - body);
  request.skills = skills_of(ours(prompt, nonce));
  return request;
}

} // namespace conos::steward
