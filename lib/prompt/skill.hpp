#pragma once

#include "config/compiled.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What an agent knows how to do: NAME.md, or NAME/SKILL.md with YAML front matter, below
// /etc/conos/roles/ROLE/skills and /etc/conos/agents/NAME/skills.
namespace conos {

struct Skill {
  std::string name;
  std::string description; // one line, at most k_max_description_bytes
  std::string text;        // without the front matter
};

constexpr std::size_t k_max_description_bytes = 1024;
constexpr std::size_t k_max_skill_bytes = 64U << 10U;
constexpr std::size_t k_max_skills = 64; // of one directory

// `name` is what the file is called. The description is the front matter's, else the heading and
// the first paragraph. Only its own name tells skills apart, never what the text says of itself.
Skill parse_skill(const std::string& name, std::string_view text);

// Those of the roles, in their order, then the agent's own; of two with one name the later counts.
// One that cannot be read is left out with a warning.
std::vector<Skill> read_skills(const Site& site, const AgentSettings& settings);

// Whether a task's text asks for this skill: it has every word of its name, or three of the longer
// words of its description.
bool is_asked_for(const Skill& skill, std::string_view body);

// {"NAME": TEXT, …}: for a program that looks one up while it works.
std::string to_json(const std::vector<Skill>& skills);

} // namespace conos
