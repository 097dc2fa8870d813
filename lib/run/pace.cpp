#include "run/pace.hpp"

#include "sys/file.hpp"

#include <algorithm>
#include <charconv>

namespace conos {

namespace {

constexpr std::size_t k_first_guess = 16;
constexpr std::size_t k_most = 512; // claim holds a descriptor for each, of 1024

constexpr std::string_view k_turn = ".turn"; // no agent's name has a dot

template<class Number>
std::optional<Number> read_number(const Site& site, const std::string& name)
{
  const auto text = read_path(site.lib + "/pace/" + name, 16);
  Number number = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc()) {
    return std::nullopt;
  }
  return number;
}

void note(const Site& site, const std::string& name, std::size_t number)
{
  const auto dir = open_dir(site.lib + "/pace");
  if (dir) {
    (void)remove_name(*dir, name); // a replace that is killed would leave a file for ever
    (void)replace(*dir, name, std::to_string(number), 0600, {}, Durable::later); // only a hint
  }
}

} // namespace

std::size_t next_pace(std::size_t done, Duration spent)
{
  const auto ms = std::max<std::size_t>(20, static_cast<std::size_t>(spent.count()));
  return std::clamp<std::size_t>(done * 1000 / ms, 1, k_most);
}

std::size_t read_pace(const Site& site, const std::string& agent)
{
  return std::clamp<std::size_t>(
    read_number<std::size_t>(site, agent).value_or(k_first_guess), 1, k_most);
}

void note_pace(const Site& site, const std::string& agent, std::size_t done, Duration spent)
{
  note(site, agent, next_pace(done, spent));
}

std::optional<uid_t> read_turn(const Site& site, const std::string& agent)
{
  return read_number<uid_t>(site, agent + std::string(k_turn));
}

void note_turn(const Site& site, const std::string& agent, uid_t sender)
{
  note(site, agent + std::string(k_turn), sender);
}

} // namespace conos
