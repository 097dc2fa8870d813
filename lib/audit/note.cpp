#include "audit/note.hpp"

#include "sys/free_with.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>

namespace conos::audit {

namespace {

using Pkey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

constexpr char k_ed25519 = 1;
constexpr std::size_t k_key_bytes = 32;
constexpr std::size_t k_id_bytes = 4;
constexpr std::size_t k_signature_bytes = 64;
constexpr std::size_t k_max_key_text = 512;
constexpr std::string_view k_private = "PRIVATE+KEY+";
constexpr std::string_view k_dash = "\u2014 ";

const unsigned char* bytes(std::string_view text)
{
  return reinterpret_cast<const unsigned char*>(text.data());
}

// --- names and ids -------------------------------------------------------------------------------

// Those of Unicode beyond ASCII, in UTF-8.
constexpr std::array<std::string_view, 17> k_spaces{"\u0085", "\u00a0", "\u1680", "\u2000",
  "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009",
  "\u200a", "\u2028", "\u2029", "\u202f"};
constexpr std::array<std::string_view, 2> k_more_spaces{"\u205f", "\u3000"};

bool has_any(std::string_view text, const auto& parts)
{
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return text.find(part) != text.npos;
  });
}

std::uint32_t big_endian(std::string_view four)
{
  std::uint32_t number = 0;
  for (const char c : four) {
    number = number << 8U | static_cast<unsigned char>(c);
  }
  return number;
}

std::string typed(std::string_view key)
{
  return k_ed25519 + std::string(key);
}

std::uint32_t id_of(std::string_view name, const Digest& key)
{
  const auto hash = sha256(fmt::format("{}\n{}", name, typed(bytes_of(key))));
  return big_endian(bytes_of(hash).substr(0, k_id_bytes));
}

std::string id_bytes(std::uint32_t id)
{
  std::string four;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    four += static_cast<char>(id >> shift & 0xFFU);
  }
  return four;
}

struct KeyText {
  std::string_view name;
  std::string_view id;
  std::string_view data;
};

// "NAME+ID+DATA", of which only the data may hold a '+'.
std::optional<KeyText> divided(std::string_view text)
{
  const auto first = text.find('+');
  const auto second = first == text.npos ? first : text.find('+', first + 1);
  if (second == text.npos || text.size() > k_max_key_text) {
    return std::nullopt;
  }
  return KeyText{
    text.substr(0, first), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

bool is_id(std::string_view text, std::uint32_t id)
{
  return text == fmt::format("{:08x}", id);
}

// --- Ed25519 -------------------------------------------------------------------------------------

tl::unexpected<Error> crypto_failed(std::string_view deed)
{
  return fail(Kind::os, "{}: libcrypto refused", deed);
}

Result<Pkey> private_key(const Secret& seed)
{
  Pkey key(
    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes(seed.view()), seed.size()));
  if (!key) {
    return crypto_failed("use a signing key");
  }
  return key;
}

Result<Digest> public_key(const Secret& seed)
{
  CONOS_TRY(const auto key, private_key(seed));
  Digest raw;
  auto size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size) != 1 || size != raw.size()) {
    return crypto_failed("find the public key");
  }
  return raw;
}

Result<std::string> signature(const Secret& seed, std::string_view text)
{
  CONOS_TRY(const auto key, private_key(seed));
  const DigestContext context(EVP_MD_CTX_new());
  std::array<unsigned char, k_signature_bytes> signed_by{};
  auto size = signed_by.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signed_by.data(), &size, bytes(text), text.size()) != 1) {
    return crypto_failed("sign");
  }
  return std::string(signed_by.begin(), signed_by.end());
}

bool has_signed(const Digest& key, std::string_view text, std::string_view signature)
{
  const Pkey raw(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const DigestContext context(EVP_MD_CTX_new());
  return raw && context && signature.size() == k_signature_bytes &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, raw.get()) == 1 &&
         EVP_DigestVerify(
           context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

// --- notes ---------------------------------------------------------------------------------------

bool is_note_text(std::string_view text)
{
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n';
  });
}

struct Parts {
  std::string_view text;
  std::string_view signatures;
};

std::optional<Parts> parts_of(std::string_view note)
{
  const auto end = note.rfind("\n\n");
  if (end == note.npos || end + 2 == note.size() || !note.ends_with('\n')) {
    return std::nullopt;
  }
  return Parts{note.substr(0, end + 1), note.substr(end + 2)};
}

struct SignatureLine {
  std::string_view name;
  std::uint32_t id = 0;
  std::string signature;
};

std::optional<SignatureLine> parse_signature(std::string_view line)
{
  if (!line.starts_with(k_dash)) {
    return std::nullopt;
  }
  line.remove_prefix(k_dash.size());
  const auto space = line.find(' ');
  if (space == line.npos || !is_key_name(line.substr(0, space))) {
    return std::nullopt;
  }
  const auto signed_by = from_base64(line.substr(space + 1));
  if (!signed_by || signed_by->size() <= k_id_bytes) {
    return std::nullopt;
  }
  return SignatureLine{line.substr(0, space), big_endian(signed_by->substr(0, k_id_bytes)),
    signed_by->substr(k_id_bytes)};
}

Result<std::vector<SignatureLine>> parse_signatures(std::string_view lines)
{
  std::vector<SignatureLine> signatures;
  lines.remove_suffix(1); // the last newline
  for (const auto line : split(lines, '\n')) {
    auto parsed = parse_signature(line);
    if (!parsed || signatures.size() == k_max_note_signatures) {
      return fail(Kind::bad_data, "'{}' is not a signature", escaped(line, 80));
    }
    signatures.push_back(*std::move(parsed));
  }
  return signatures;
}

std::string names_of(const std::vector<SignatureLine>& signatures)
{
  std::vector<std::string> names;
  for (const auto& each : signatures) {
    names.push_back(fmt::format("'{}' ({:08x})", escaped(each.name, 80), each.id));
  }
  return join(names, ", ");
}

std::string names_of(const std::vector<VerifierKey>& keys)
{
  std::vector<std::string> names;
  for (const auto& each : keys) {
    names.push_back(fmt::format("'{}' ({:08x})", escaped(each.name, 80), each.id));
  }
  return join(names, " or ");
}

} // namespace

bool is_key_name(std::string_view name)
{
  constexpr std::size_t k_most = 255;
  const auto is_plain = [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F && c != '+';
  };
  return !name.empty() && name.size() <= k_most && is_utf8(name) &&
         std::all_of(name.begin(), name.end(), is_plain) && !has_any(name, k_spaces) &&
         !has_any(name, k_more_spaces);
}

std::string to_text(const VerifierKey& key)
{
  return fmt::format("{}+{:08x}+{}", key.name, key.id, base64(typed(bytes_of(key.key))));
}

Result<VerifierKey> parse_verifier_key(std::string_view text)
{
  text = trimmed(text);
  const auto divided_text = divided(text);
  const auto data = divided_text ? from_base64(divided_text->data) : std::nullopt;
  if (!data || data->size() != 1 + k_key_bytes || data->front() != k_ed25519 ||
      !is_key_name(divided_text->name)) {
    return fail(
      Kind::bad_data, "'{}' is not a verifier key of Ed25519, NAME+ID+BASE64", escaped(text, 200));
  }
  VerifierKey key{std::string(divided_text->name), 0, {}};
  std::copy(data->begin() + 1, data->end(), key.key.begin());
  key.id = id_of(key.name, key.key);
  if (!is_id(divided_text->id, key.id)) {
    return fail(Kind::bad_data, "verifier key '{}' has an id that is not its own, which is {:08x}",
      escaped(text, 200), key.id);
  }
  return key;
}

SigningKey::SigningKey(Secret seed, VerifierKey verifier)
    : m_seed(std::move(seed))
    , m_verifier(std::move(verifier))
{
}

Result<SigningKey> SigningKey::generate(const std::function<std::string(const Digest&)>& name)
{
  Secret seed;
  seed.resize(k_key_bytes);
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(seed.data()), k_key_bytes) != 1) {
    return crypto_failed("make a key");
  }
  VerifierKey verifier;
  CONOS_TRY(verifier.key, public_key(seed));
  verifier.name = name(verifier.key);
  verifier.id = id_of(verifier.name, verifier.key);
  if (!is_key_name(verifier.name)) {
    return fail(Kind::bad_data, "'{}' is not a name for a key", escaped(verifier.name, 80));
  }
  return SigningKey(std::move(seed), std::move(verifier));
}

Result<SigningKey> SigningKey::generate(const std::string& name)
{
  return generate([&](const Digest& /*unused*/) {
    return name;
  });
}

Result<SigningKey> SigningKey::parse(std::string_view text)
{
  text = trimmed(text);
  const auto not_one = [] {
    return fail(Kind::bad_data, "not a signing key of Ed25519");
  };
  if (!text.starts_with(k_private)) {
    return not_one();
  }
  const auto divided_text = divided(text.substr(k_private.size()));
  auto data = divided_text ? from_base64(divided_text->data) : std::nullopt;
  if (!data || data->size() != 1 + k_key_bytes || data->front() != k_ed25519 ||
      !is_key_name(divided_text->name)) {
    return not_one();
  }
  Secret seed(std::string_view(*data).substr(1));
  OPENSSL_cleanse(data->data(), data->size());
  VerifierKey verifier{std::string(divided_text->name), 0, {}};
  CONOS_TRY(verifier.key, public_key(seed));
  verifier.id = id_of(verifier.name, verifier.key);
  if (!is_id(divided_text->id, verifier.id)) {
    return not_one();
  }
  return SigningKey(std::move(seed), std::move(verifier));
}

Secret SigningKey::to_text() const
{
  auto raw = typed(m_seed.view());
  auto coded = base64(raw);
  Secret text;
  for (const auto part : {k_private, std::string_view(m_verifier.name), std::string_view("+")}) {
    std::for_each(part.begin(), part.end(), [&](char c) {
      text.append(c);
    });
  }
  for (const char c : fmt::format("{:08x}+", m_verifier.id)) {
    text.append(c);
  }
  for (const char c : coded) {
    text.append(c);
  }
  OPENSSL_cleanse(raw.data(), raw.size());
  OPENSSL_cleanse(coded.data(), coded.size());
  return text;
}

Result<std::string> SigningKey::sign(std::string_view text) const
{
  if (!text.ends_with('\n') || !is_note_text(text)) {
    return fail(Kind::bad_data, "sign a text that is not a note's");
  }
  CONOS_TRY(const auto signed_by, signature(m_seed, text));
  return fmt::format(
    "{}\n{}{} {}\n", text, k_dash, m_verifier.name, base64(id_bytes(m_verifier.id) + signed_by));
}

Result<Note> open_note(std::string_view note, const std::vector<VerifierKey>& keys)
{
  const auto parts =
    note.size() <= k_max_note_bytes && is_note_text(note) ? parts_of(note) : std::nullopt;
  if (!parts) {
    return fail(Kind::bad_data, "it is not a signed note: a text, an empty line, signatures");
  }
  CONOS_TRY(const auto signatures, parse_signatures(parts->signatures));
  Note opened{std::string(parts->text), {}};
  for (const auto& each : signatures) {
    const auto known = std::find_if(keys.begin(), keys.end(), [&](const auto& key) {
      return key.name == each.name && key.id == each.id;
    });
    if (known == keys.end()) {
      continue;
    }
    if (!has_signed(known->key, opened.text, each.signature)) {
      return fail(Kind::bad_data,
        "the signature of '{}' does not fit: the text was changed, or the "
        "signature",
        escaped(each.name, 80));
    }
    opened.signers.emplace_back(each.name);
  }
  if (opened.signers.empty()) {
    return fail(
      Kind::denied, "it is not signed by {}, but by {}", names_of(keys), names_of(signatures));
  }
  return opened;
}

} // namespace conos::audit
