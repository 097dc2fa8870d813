#include "artifact/link.hpp"

#include "sys/id.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace conos::artifact {

namespace {

constexpr std::size_t k_key_id_digits = 8;
constexpr std::size_t k_key_digits = 64;
constexpr std::size_t k_link_id_digits = 16;
constexpr std::size_t k_signature_digits = 64;

bool is_hex(std::string_view text, std::size_t digits)
{
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::int64_t unix_of(Time time)
{
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::optional<Time> time_of_unix(std::string_view text)
{
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t k_last = 9'214'646'399; // of the year 2261
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || seconds < 0 ||
      seconds > k_last) {
    return std::nullopt;
  }
  return Time(std::chrono::seconds(seconds));
}

std::string signature_of(const Artifact& artifact, const Link& link, const Key& key)
{
  const auto text = fmt::format("conos-artifact-link-1\n{}\n{}\n{}\n{}\n{}\n", artifact.id,
    artifact.file, artifact.sha256, link.id, unix_of(link.expires_at));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned length = 0;
  const auto bytes = key.bytes.view();
  (void)::HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
    reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &length);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    hex += fmt::format("{:02x}", mac[i]);
  }
  return hex;
}

const Key* find_key(const std::vector<Key>& keys, const std::string& id)
{
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) {
    return key.id == id;
  });
  return found == keys.end() ? nullptr : &*found;
}

// Each of the four once, and nothing else.
Result<> take_parameters(std::string_view query, Asked& asked)
{
  bool has_expiry = false;
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto value = equals == part.npos ? std::string_view() : part.substr(equals + 1);
    const auto set = [&](std::string& into, std::size_t digits) {
      const bool is_good = into.empty() && is_hex(value, digits);
      into = value;
      return is_good;
    };
    bool is_good = false;
    if (name == "sig") {
      is_good = set(asked.signature, k_signature_digits);
    } else if (name == "link") {
      is_good = set(asked.link, k_link_id_digits);
    } else if (name == "key") {
      is_good = set(asked.key, k_key_id_digits);
    } else if (name == "exp" && !has_expiry) {
      const auto time = time_of_unix(value);
      is_good = has_expiry = time.has_value();
      asked.expires_at = time.value_or(Time());
    }
    if (!is_good) {
      return fail(Kind::denied, "the link is not whole");
    }
  }
  return has_expiry && !asked.signature.empty() && !asked.link.empty() && !asked.key.empty()
           ? Result<>{}
           : fail(Kind::denied, "the link is not whole");
}

} // namespace

std::string to_text(const std::vector<Key>& keys)
{
  std::string text;
  for (const auto& key : keys) {
    text += fmt::format("{} {} {}\n", key.id, rfc3339(key.made_at, 0), key.bytes.view());
  }
  return text;
}

Result<std::vector<Key>> keys_from_text(std::string_view text)
{
  std::vector<Key> keys;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) {
      continue;
    }
    const auto parts = split(line, ' ');
    const auto time = parts.size() == 3 ? parse_rfc3339(parts[1]) : fail(Kind::bad_data, "");
    if (!time || !is_hex(parts[0], k_key_id_digits) || !is_hex(parts[2], k_key_digits)) {
      return fail(Kind::bad_data, "these are no keys of conos-artifact");
    }
    keys.push_back({std::string(parts[0]), *time, Secret(parts[2])});
  }
  return keys;
}

Result<Key> new_key(Time now)
{
  CONOS_TRY(const auto id, random_hex(k_key_id_digits));
  CONOS_TRY(const auto bytes, random_hex(k_key_digits));
  return Key{id, now, Secret(bytes)};
}

std::string path_with(const Artifact& artifact, const Link& link, const Key& key)
{
  return fmt::format("/artifacts/{}/{}?exp={}&key={}&link={}&sig={}", artifact.id, artifact.file,
    unix_of(link.expires_at), key.id, link.id, signature_of(artifact, link, key));
}

Result<Asked> parse_asked(std::string_view uri)
{
  constexpr std::string_view k_prefix = "/artifacts/";
  constexpr std::size_t k_longest = 1024;
  const auto question = uri.find('?');
  auto path = uri.substr(0, question);
  const auto bad = fail(Kind::bad_data, "not the path of an artifact");
  if (uri.size() > k_longest || !path.starts_with(k_prefix)) {
    return bad;
  }
  path.remove_prefix(k_prefix.size());
  const auto slash = path.find('/');
  if (slash == path.npos) {
    return bad;
  }
  Asked asked;
  asked.id = path.substr(0, slash);
  asked.file = path.substr(slash + 1);
  // their grammars have no '%', no '/', and no leading '.': nothing has to be normalised
  if (!is_artifact_id(asked.id) || !is_file_name(asked.file)) {
    return bad;
  }
  CONOS_CHECK(take_parameters(question == uri.npos ? "" : uri.substr(question + 1), asked));
  return asked;
}

std::optional<std::string> objection_to(
  const Asked& asked, const Artifact& artifact, const std::vector<Key>& keys, Time now)
{
  const auto link =
    std::find_if(artifact.links.begin(), artifact.links.end(), [&](const Link& one) {
      return one.id == asked.link;
    });
  const auto* key = find_key(keys, asked.key);
  if (artifact.exposure == Exposure::private_) {
    return "it is private";
  }
  if (asked.id != artifact.id || asked.file != artifact.file || link == artifact.links.end() ||
      link->key != asked.key || unix_of(link->expires_at) != unix_of(asked.expires_at) ||
      key == nullptr) {
    return "there is no such link";
  }
  const auto right = signature_of(artifact, *link, *key);
  if (::CRYPTO_memcmp(right.data(), asked.signature.data(), right.size()) != 0) { // of equal size
    return "there is no such link";
  }
  if (!is_valid(artifact, now)) {
    return "it has been taken back";
  }
  return now < link->expires_at ? std::nullopt : std::optional<std::string>("the link has expired");
}

} // namespace conos::artifact
