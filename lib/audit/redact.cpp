#include "audit/redact.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
bool is_of_secret(char c)
{
  return is_of_word(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
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

// Characters of which something may begin that has a form, and all that a known secret is made of.
struct Begins {
  std::array<bool, 256> word{};
  std::array<bool, 256> form{};
  std::array<bool, 256> secret{};
};

constexpr std::size_t place_of(char c)
{
  return static_cast<unsigned char>(c);
}

const Begins& begins()
{
  static const Begins all = [] {
    Begins made;
    for (int i = 0; i < 256; ++i) {
      const auto c = static_cast<char>(i);
      made.word[place_of(c)] = is_of_word(c);
      made.secret[place_of(c)] = is_of_secret(c);
    }
    for (const auto& form : k_forms) {
      made.form[place_of(form.prefix.front())] = true;
    }
    return made;
  }();
  return all;
}

// The first place from `at` on where something to take out may begin. Nearly all of a payload is
// passed over here.
std::size_t next_beginning(std::string_view text, std::size_t at, bool any_known)
{
  const auto& set = begins();
  for (; at < text.size(); ++at) {
    const auto before = place_of(at == 0 ? ' ' : text[at - 1]);
    const auto c = place_of(text[at]);
    if (text[at] == k_pem_begin.front() || (set.form[c] && !set.word[before]) ||
        (any_known && set.secret[c] && !set.secret[before])) {
      break;
    }
  }
  return at;
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
  Redactor redactor;
  for (const auto line : split(text, '\n')) {
    if (line.size() == 2 * Digest{}.size()) {
      redactor.know(digest_from(line));
    }
  }
  return redactor;
}

std::string Redactor::redacted(std::string_view text) const
{
  std::string out;
  out.reserve(text.size());
  const auto put = [&](std::string_view kind, std::size_t size, std::size_t& at) {
    out += fmt::format("[redacted: {}]", kind);
    at += size;
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto next = next_beginning(text, at, !m_known.empty());
    out += text.substr(at, next - at);
    at = next;
    if (at == text.size()) {
      break;
    }
    const auto rest = text.substr(at);
    const char before = at == 0 ? ' ' : text[at - 1];
    const auto key = is_of_word(before) ? std::string_view() : key_at(rest);
    if (const auto size = private_key_at(rest); size > 0) {
      put("private key", size, at);
    } else if (const auto kind = form_of(key)) {
      put(*kind, key.size(), at);
    } else if (const auto own = is_of_secret(before) ? 0 : known_at(rest); own > 0) {
      put("secret of this machine", own, at);
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::size_t Redactor::known_at(std::string_view text) const
{
  const auto token = m_known.empty() ? std::string_view() : run_of(text, is_of_secret);
  return token.size() >= k_shortest_known && m_known.contains(sha256(token)) ? token.size() : 0;
}

Result<> remember_secret(const UniqueFd& dir, std::string_view secret)
{
  auto known = read_file(dir, k_known_secrets, k_max_known_bytes);
  if (!known && known.error().kind != Kind::not_found) {
    return tl::unexpected<Error>(known.error());
  }
  const auto line = sha256_hex(secret) + "\n";
  if (known && known->find(line) != known->npos) {
    return {};
  }
  return replace(dir, k_known_secrets, (known ? *known : "") + line, 0600);
}

} // namespace conos::audit
