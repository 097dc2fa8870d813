#include "run/pace.hpp"

#include "sys/file.hpp"

#include <algorithm>
#include <charconv>

namespace conos {

namespace {

constexpr std::size_t k_first_guess = 16;
constexpr std::size_t k_most = 1024;

} // namespace

std::size_t next_pace(std::size_t done, Duration spent)
{
  const auto ms = std::max<std::size_t>(20, static_cast<std::size_t>(spent.count()));
  return std::clamp<std::size_t>(done * 1000 / ms, 1, k_most);
}

std::size_t read_pace(const Site& site, const std::string& agent)
{
  const auto text = read_path(site.lib + "/pace/" + agent, 16);
  std::size_t pace = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pace).ec != std::errc()) {
    return k_first_guess;
  }
  return std::clamp<std::size_t>(pace, 1, k_most);
}

void note_pace(const Site& site, const std::string& agent, std::size_t done, Duration spent)
{
  const auto dir = open_dir(site.lib + "/pace");
  if (dir) {
    const auto text = std::to_string(next_pace(done, spent));
    (void)remove_name(*dir, agent); // a replace that is killed would leave a file for ever
    (void)replace(*dir, agent, text, 0600, {}, Durable::later); // only a hint
  }
}

} // namespace conos
