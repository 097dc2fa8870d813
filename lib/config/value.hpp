#pragma once

#include "config/document.hpp"

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <vector>

// One value of conos.toml against its key. For document.cpp only: it brings toml++ along.
namespace conos::config {

struct Complaint {
  Place at;
  std::string text; // what follows "key 'x': "
};

// The value as the key's type. Nothing when it is wrong as a whole; of a list the right items.
std::optional<Setting> read_value(
  const Key& key, const toml::node& node, std::vector<Complaint>& complaints);

Place place_of(const toml::source_region& source);

// "a list", "a whole number"
std::string_view kind_of(const toml::node& node);

} // namespace conos::config
