#include "prompt/skill.hpp"

#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace conos {

namespace {

constexpr std::string_view k_fence = "---";

// One line of words, whatever the lines and blanks were.
std::string flattened(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return std::string(trimmed(out));
}

std::string described(std::string_view text)
{
  return std::string(
    clipped(escaped(flattened(text), k_max_description_bytes), k_max_description_bytes));
}

std::string_view line_at(std::string_view text)
{
  return text.substr(0, text.find('\n'));
}

std::string_view after_line(std::string_view text)
{
  return text.substr(std::min(text.size(), line_at(text).size() + 1));
}

std::string_view unquoted(std::string_view value)
{
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// The value of a key of front matter: the rest of its line, and the indented lines that follow it.
std::string value_of(std::string_view matter, std::string_view key)
{
  const auto start = std::string(key) + ":";
  std::string value;
  bool is_inside = false;
  for (auto rest = matter; !rest.empty(); rest = after_line(rest)) {
    const auto line = line_at(rest);
    if (is_inside && !line.starts_with(' ') && !trimmed(line).empty()) {
      break;
    }
    if (is_inside) {
      value += " " + std::string(trimmed(line));
    } else if (line.starts_with(start)) {
      is_inside = true;
      const auto first = trimmed(line.substr(start.size()));
      const bool is_block = first.starts_with('>') || first.starts_with('|');
      value = is_block ? std::string_view() : first;
    }
  }
  return std::string(unquoted(trimmed(value)));
}

// The heading and the first paragraph after it.
std::string opening_of(std::string_view text)
{
  std::string heading;
  std::string paragraph;
  for (auto rest = text; !rest.empty(); rest = after_line(rest)) {
    const auto line = trimmed(line_at(rest));
    if (line.starts_with('#')) {
      if (!heading.empty() || !paragraph.empty()) {
        break;
      }
      heading = trimmed(line.substr(std::min(line.size(), line.find_first_not_of('#'))));
    } else if (!line.empty()) {
      paragraph += std::string(line) + " ";
    } else if (!paragraph.empty()) {
      break;
    }
  }
  return heading + (heading.empty() || paragraph.empty() ? "" : ": ") + paragraph;
}

std::set<std::string> words_of(std::string_view text)
{
  std::set<std::string> words;
  std::string word;
  for (const char c : lower(text) + " ") {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
      continue;
    }
    if (word.size() > 3 && word.back() == 's') {
      word.pop_back(); // contract and contracts are one
    }
    if (!word.empty()) {
      words.insert(std::move(word));
    }
    word.clear();
  }
  return words;
}

Result<Skill> read_skill(const UniqueFd& skills, const std::string& entry)
{
  constexpr std::string_view k_end = ".md";
  if (entry.ends_with(k_end)) {
    CONOS_TRY(const auto text, read_file(skills, entry, k_max_skill_bytes));
    return parse_skill(entry.substr(0, entry.size() - k_end.size()), text);
  }
  CONOS_TRY(const auto dir, open_dir_at(skills, entry));
  CONOS_TRY(const auto text, read_file(dir, "SKILL.md", k_max_skill_bytes));
  return parse_skill(entry, text);
}

void add(std::vector<Skill>& skills, Skill skill)
{
  std::erase_if(skills, [&](const Skill& known) {
    return known.name == skill.name;
  });
  skills.push_back(std::move(skill));
}

void add_skills_in(const std::string& path, std::vector<Skill>& skills)
{
  const auto dir = open_dir(path);
  if (!dir) {
    if (dir.error().kind != Kind::not_found) {
      log::warning("skip the skills in '{}': {}", path, dir.error().text());
    }
    return;
  }
  auto names = list_names(*dir, k_max_skills, [](auto name) {
    return !name.starts_with('.');
  });
  if (!names) {
    log::warning("skip the skills in '{}': {}", path, names.error().text());
    return;
  }
  std::sort(names->begin(), names->end());
  for (const auto& name : *names) {
    auto skill = read_skill(*dir, name);
    if (skill && is_utf8(skill->text)) {
      add(skills, std::move(*skill));
    } else {
      log::warning("skip skill '{}': {}", escaped(name),
        skill ? std::string("it is not UTF-8") : skill.error().text());
    }
  }
}

} // namespace

Skill parse_skill(const std::string& name, std::string_view text)
{
  Skill skill{escaped(name, 64), "", std::string(text)};
  if (trimmed(line_at(text)) == k_fence) {
    const auto matter = after_line(text);
    for (auto rest = matter; !rest.empty(); rest = after_line(rest)) {
      if (trimmed(line_at(rest)) == k_fence) {
        skill.description =
          described(value_of(matter.substr(0, matter.size() - rest.size()), "description"));
        skill.text = after_line(rest);
        break;
      }
    }
  }
  if (skill.description.empty()) {
    skill.description = described(opening_of(skill.text));
  }
  return skill;
}

std::vector<Skill> read_skills(const Site& site, const AgentSettings& settings)
{
  std::vector<Skill> skills;
  for (const auto& role : settings.roles) {
    add_skills_in(site.etc + "/roles/" + role + "/skills", skills);
  }
  add_skills_in(site.etc + "/agents/" + settings.name + "/skills", skills);
  return skills;
}

bool is_asked_for(const Skill& skill, std::string_view body)
{
  constexpr std::size_t k_long_word = 5;
  constexpr std::size_t k_enough = 3;
  const auto words = words_of(body);
  const auto name = words_of(skill.name);
  const auto is_there = [&](const std::string& word) {
    return words.contains(word);
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_there)) {
    return true;
  }
  const auto description = words_of(skill.description);
  const auto shared = std::count_if(description.begin(), description.end(), [&](const auto& word) {
    return word.size() >= k_long_word && is_there(word);
  });
  return static_cast<std::size_t>(shared) >= k_enough;
}

std::string to_json(const std::vector<Skill>& skills)
{
  auto json = nlohmann::json::object();
  for (const auto& skill : skills) {
    json[skill.name] = skill.text;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace conos
