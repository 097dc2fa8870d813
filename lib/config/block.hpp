#pragma once

#include "config/config.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// One agent more in conos.toml, from a text that somebody else may have written.
namespace conos::config {

// The block as conos writes it: one table [[agents]] and nothing else, whatever the text looked
// like. The text is that table, with or without its header. Kind::bad_data when it is not, or has
// anything beside it.
Result<std::string> agent_block(std::string_view text);

// conos.toml with that block, as agent_block() gives it, behind all else. Kind::bad_data when that
// would say anything more or else than conos.toml and the block do, Kind::config when conos.toml
// itself is none.
Result<std::string> with_agent(std::string_view conos_toml, std::string_view block);

struct Added {
  std::string text;              // of the whole conos.toml
  std::vector<Finding> findings; // that are not there without the block
  bool is_good = false;
};

// Both of the above, and what there is to say of it.
Result<Added> add_agent(
  std::string_view conos_toml, std::string_view text, const Environment& environment = {});

} // namespace conos::config
