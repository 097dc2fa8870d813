#include "audit/redact.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace conos::audit {

namespace {

constexpr std::size_t k_max_known_bytes = 1U << 20U;
constexpr std::size_t k_shortest_known = 8; // shorter ones are words, and would be found everywhere

struct Form {
  std::string_view prefix;
  std::size_t least; // characters after it
  std::string_view kind;
};

// As their issuers document them and as secret scanners know them; longer prefixes first.
constexpr Form k_forms[] = {
  {"sk-ant-", 20, "Anthropic key"},
  {"sk-or-", 20, "OpenRouter key"},
  {"sk-", 20, "API key"},
  {"github_pat_", 22, "GitHub token"},
  {"ghp_", 30, "GitHub token"},
  {"gho_", 30, "GitHub token"},
  {"ghs_", 30, "GitHub token"},
  {"glpat-", 20, "GitLab token"},
  {"xoxb-", 20, "Slack token"},
  {"xoxp-", 20, "Slack token"},
  {"AKIA", 16, "AWS key"},
  {"ASIA", 16, "AWS key"},
  {"AIza", 30, "Google key"},
  {"tskey-", 10, "Tailscale key"},
  {"hf_", 30, "Hugging Face token"},
  {"eyJ", 40, "JSON web token"},
};

constexpr std::string_view k_pem_begin = "-----BEGIN ";
constexpr std::string_view k_pem_end = "-----END ";
constexpr std::string_view k_pem_line_end = "-----";

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_of_word(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

// What a key may have in it where its form is not known.
constexpr auto k_of_secret = [] {
  std::array<bool, 256> all{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_.~+/=")) {
    all[static_cast<unsigned char>(c)] = true;
  }
  return all;
}();

bool is_of_secret(char c)
{
  return k_of_secret[static_cast<unsigned char>(c)];
}

template<class IsPart>
std::string_view run_of(std::string_view text, const IsPart& is_part)
{
  const auto end = std::find_if_not(text.begin(), text.end(), is_part);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// The key that begins there may be: a web token has points in it, and a sentence ends with one.
std::string_view key_at(std::string_view text)
{
  auto key = run_of(text, [](char c) {
    return is_of_word(c) || c == '.';
  });
  while (key.ends_with('.')) {
    key.remove_suffix(1);
  }
  return key;
}

// A key has digits; a word of many hyphens has none.
std::optional<std::string_view> form_of(std::string_view token)
{
  for (const auto& form : k_forms) {
    if (token.starts_with(form.prefix) && token.size() >= form.prefix.size() + form.least &&
        std::any_of(token.begin(), token.end(), is_digit)) {
      return form.kind;
    }
  }
  return std::nullopt;
}

// The length of a private key in PEM that begins there; 0: none does. One that is cut off reaches
// to the end.
std::size_t private_key_at(std::string_view text)
{
  const auto label_end =
    text.starts_with(k_pem_begin) ? text.find(k_pem_line_end, k_pem_begin.size()) : text.npos;
  if (label_end == text.npos || !text.substr(0, label_end).ends_with("PRIVATE KEY")) {
    return 0;
  }
  const auto last_line = text.find(k_pem_end, label_end);
  const auto end =
    last_line == text.npos ? text.npos : text.find(k_pem_line_end, last_line + k_pem_end.size());
  if (end == text.npos) {
    // up to where the string it stands in ends, or what is left would not be JSON
    const auto quote = text.find('"', label_end);
    return quote == text.npos ? text.size() : quote;
  }
  return end + k_pem_line_end.size();
}

// Characters that few texts have many of, and the beginning of each form has: only around them is
// looked any further, so that nearly all of a text is passed over many bytes at a time.
constexpr std::string_view k_anchors = "-_IJ";

// The next of them from `from` on; the text's length when there is none.
std::size_t next_anchor(std::string_view text, std::size_t from)
{
#ifdef __SSE2__
  const auto dash = _mm_set1_epi8(k_anchors[0]);
  const auto underscore = _mm_set1_epi8(k_anchors[1]);
  const auto i = _mm_set1_epi8(k_anchors[2]);
  const auto j = _mm_set1_epi8(k_anchors[3]);
  for (; from + sizeof(__m128i) <= text.size(); from += sizeof(__m128i)) {
    __m128i bytes;
    std::memcpy(&bytes, text.data() + from, sizeof(bytes));
    const auto found =
      _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, dash), _mm_cmpeq_epi8(bytes, underscore)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, i), _mm_cmpeq_epi8(bytes, j)));
    const auto places = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (places != 0) {
      return from + static_cast<std::size_t>(std::countr_zero(places));
    }
  }
#endif
  return std::min(text.find_first_of(k_anchors, from), text.size());
}

// Where each form has its first one.
constexpr auto k_anchor_of = [] {
  std::array<std::size_t, std::size(k_forms)> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = k_forms[i].prefix.find_first_of(k_anchors);
  }
  return all;
}();

static_assert(std::all_of(k_anchor_of.begin(), k_anchor_of.end(), [](std::size_t at) {
  return at > 0 && at != std::string_view::npos;
}));

// The 'n' of a "\n" that stands for the end of a line in JSON is no part of the word after it.
bool is_escape(std::string_view text, std::size_t at)
{
  constexpr std::string_view k_escapes = "nrtbf";
  return at > 0 && text[at - 1] == '\\' && k_escapes.find(text[at]) != k_escapes.npos;
}

bool begins_word(std::string_view text, std::size_t at)
{
  return at == 0 || !is_of_word(text[at - 1]) || is_escape(text, at - 1);
}

// What is to be taken out.
struct Match {
  std::size_t at = 0;
  std::size_t size = 0;
  std::string_view kind;
};

// What has a form and has its anchor there.
std::optional<Match> form_at(std::string_view text, std::size_t anchor, std::size_t from)
{
  const auto size = text[anchor] == '-' ? private_key_at(text.substr(anchor)) : 0;
  if (size > 0) {
    return Match{anchor, size, "private key"};
  }
  for (std::size_t i = 0; i < std::size(k_forms); ++i) {
    const auto before = k_anchor_of[i]; // each has one, and something before it
    const auto& prefix = k_forms[i].prefix;
    if (text[anchor] != prefix[before] || anchor < from + before ||
        text[anchor - 1] != prefix[before - 1]) {
      continue;
    }
    const auto at = anchor - before;
    if (!text.substr(at).starts_with(prefix) || !begins_word(text, at)) {
      continue;
    }
    const auto key = key_at(text.substr(at));
    if (const auto kind = form_of(key)) {
      return Match{at, key.size(), *kind};
    }
  }
  return std::nullopt;
}

// The first thing that has a form and begins at `from` or later. One that begins a word has no
// other that does in its prefix, so they come in the order of their anchors.
std::optional<Match> form_after(std::string_view text, std::size_t from)
{
  for (auto at = next_anchor(text, from); at < text.size(); at = next_anchor(text, at + 1)) {
    if (auto found = form_at(text, at, from)) {
      return found;
    }
  }
  return std::nullopt;
}

Digest digest_from(std::string_view line)
{
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const std::string byte(line.substr(2 * i, 2));
    digest[i] = static_cast<unsigned char>(std::strtoul(byte.c_str(), nullptr, 16));
  }
  return digest;
}

} // namespace

Result<Redactor> Redactor::load(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_known_secrets, k_max_known_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<Redactor>(Redactor())
                                                : tl::unexpected<Error>(text.error());
  }
  return parse(*text);
}

Redactor Redactor::parse(std::string_view text)
{
  constexpr auto k_digits = 2 * Digest{}.size();
  Redactor redactor;
  for (const auto line : split(text, '\n')) {
    std::size_t length = 0;
    const auto rest = line.substr(std::min(line.size(), k_digits + 1));
    (void)std::from_chars(rest.data(), rest.data() + rest.size(), length);
    if (line.size() >= k_digits) {
      redactor.m_known[length].insert(digest_from(line));
    }
  }
  return redactor;
}

void Redactor::know(std::string_view secret)
{
  m_known[secret.size()].insert(sha256(secret));
}

std::string Redactor::redacted(std::string_view text) const
{
  std::string out;
  out.reserve(text.size());
  auto form = form_after(text, 0);
  auto known = known_after(text, 0);
  std::size_t at = 0;
  while (form || known) {
    const bool takes_form = form && (!known || form->at <= known->at);
    const auto match = takes_form ? *form : Match{known->at, known->size, "secret of this machine"};
    out += text.substr(at, match.at - at);
    out += fmt::format("[redacted: {}]", match.kind);
    at = match.at + match.size;
    if (form && form->at < at) {
      form = form_after(text, at);
    }
    if (known && known->at < at) {
      known = known_after(text, at);
    }
  }
  out += text.substr(at);
  return out;
}

// A run that is long enough has a part at one of every so many places: only there is looked.
std::optional<Redactor::Place> Redactor::known_after(std::string_view text, std::size_t from) const
{
  if (m_known.empty()) {
    return std::nullopt;
  }
  const auto shortest = std::max(m_known.begin()->first, k_shortest_known);
  for (auto probe = from + shortest - 1; probe < text.size();) {
    if (!is_of_secret(text[probe])) {
      probe += shortest;
      continue;
    }
    Place run{probe, 0};
    while (run.at > 0 && is_of_secret(text[run.at - 1])) {
      --run.at;
    }
    run.size = run_of(text.substr(run.at), is_of_secret).size();
    auto found = run.size < shortest ? std::nullopt : known_in(text, run, from);
    if (found) {
      return found;
    }
    probe = run.at + run.size + shortest;
  }
  return std::nullopt;
}

// At its beginning, or after what may stand in front of a value: "KEY=", the end of a line.
std::optional<Redactor::Place> Redactor::known_in(
  std::string_view text, const Place& run, std::size_t from) const
{
  constexpr int k_most_tries = 16; // what is no secret may look like many
  const auto end = run.at + run.size;
  int tries = 0;
  for (auto at = run.at; at < end && tries < k_most_tries; ++at) {
    const bool is_beginning =
      at == run.at || is_escape(text, at - 1) || (text[at - 1] == '=' && text[at] != '=');
    if (!is_beginning || at < from) {
      continue;
    }
    ++tries;
    if (const auto size = known_at(text.substr(at, end - at)); size > 0) {
      return Place{at, size};
    }
  }
  return std::nullopt;
}

// `rest` is the run from there to its end; what follows a secret is no word that goes on.
std::size_t Redactor::known_at(std::string_view rest) const
{
  for (const auto& [length, digests] : m_known) {
    const auto size = length == 0 ? rest.size() : length;
    const bool fits = size >= k_shortest_known && size <= rest.size() &&
                      (size == rest.size() || !is_of_word(rest[size]));
    if (fits && digests.contains(sha256(rest.substr(0, size)))) {
      return size;
    }
  }
  return 0;
}

Result<> remember_secret(const UniqueFd& dir, std::string_view secret)
{
  auto known = read_file(dir, k_known_secrets, k_max_known_bytes);
  if (!known && known.error().kind != Kind::not_found) {
    return tl::unexpected<Error>(known.error());
  }
  const auto digest = sha256_hex(secret);
  if (known && known->find(digest) != known->npos) {
    return {};
  }
  const auto line = fmt::format("{} {}\n", digest, secret.size());
  return replace(dir, k_known_secrets, (known ? *known : "") + line, 0600);
}

} // namespace conos::audit
