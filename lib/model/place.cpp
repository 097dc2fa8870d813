#include "model/door.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>

namespace conos::model {

namespace {

constexpr std::size_t k_max_settings_bytes = 1U << 20U;
constexpr std::size_t k_max_key_bytes = 64U << 10U;

Result<> load_keys(const UniqueFd& dir, DoorPlace& place)
{
  for (const auto& provider : place.settings.providers) {
    const auto file = open_beneath(dir, "conos." + provider.name);
    if (!file && file.error().kind == Kind::not_found) {
      continue; // it may need none
    }
    if (!file) {
      return tl::unexpected<Error>(during("the key of " + provider.name)(file.error()));
    }
    CONOS_TRY(auto key, read_secret(*file, k_max_key_bytes));
    const auto text = key.view();
    const bool is_line = std::all_of(text.begin(), text.end(), [](char c) {
      return c > ' ' && c < 0x7f;
    });
    if (!is_line) { // it becomes a header
      return fail(Kind::config, "the secret '{}' is no key: it has blanks or control characters",
        provider.name);
    }
    place.redactor.know(audit::sha256(text));
    place.key_of[provider.name] = place.keys.size();
    place.keys.push_back(std::move(key));
  }
  return {};
}

} // namespace

Result<DoorPlace> door_place_of(const std::string& agent, const std::string& credentials)
{
  CONOS_TRY(const auto dir, open_dir(credentials));
  CONOS_TRY(const auto text, read_file(dir, "settings", k_max_settings_bytes));
  DoorPlace place;
  CONOS_TRY(place.settings, model_door_from_json(text));
  if (place.settings.agent != agent) {
    return fail(Kind::config, "these are the settings of agent '{}'", place.settings.agent);
  }
  CONOS_TRY(const auto secrets, read_file(dir, "secrets", k_max_settings_bytes));
  place.redactor = audit::Redactor::parse(secrets);
  CONOS_CHECK(load_keys(dir, place));
  place.state = "/var/lib/conos/model";
  place.current = "/var/lib/conos/current";
  place.ledger = "/run/conos/audit.sock";
  return place;
}

Result<std::vector<UniqueFd>> door_listeners()
{
  const int count = sd_listen_fds(1); // with close-on-exec set
  std::vector<UniqueFd> listeners;
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    listeners.emplace_back(fd);
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
      return fail(Kind::config, "descriptor {} is no listening socket", fd);
    }
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
      return os_error("set descriptor {} not to block", fd);
    }
  }
  if (listeners.empty()) {
    return fail(
      Kind::unavailable, "no socket: this is started by systemd, through its socket unit");
  }
  return listeners;
}

} // namespace conos::model
