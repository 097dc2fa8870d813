#include "audit/proof.hpp"

#include "audit/view.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace conos::audit {

namespace {

constexpr std::string_view k_magic = "c2sp.org/tlog-proof@v1";
constexpr std::string_view k_extra = "extra ";
constexpr std::string_view k_index = "index ";
constexpr std::size_t k_max_path = 64;
constexpr std::size_t k_hash_digits = 64;

tl::unexpected<Error> not_a_proof(std::string_view why)
{
  return fail(Kind::bad_data, "it is not the proof of a row: {}", why);
}

// Takes the line, without its newline, from the front.
std::optional<std::string_view> take_line(std::string_view& text)
{
  const auto end = text.find('\n');
  if (end == text.npos) {
    return std::nullopt;
  }
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

template<class Number>
std::optional<Number> parse_number(std::string_view text)
{
  Number number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const bool plain = parsed.ec == std::errc() && parsed.ptr == end && !text.empty() &&
                     (text == "0" || (text.front() >= '1' && text.front() <= '9'));
  return plain ? std::optional(number) : std::nullopt;
}

std::optional<std::string_view> take_field(std::string_view& text)
{
  const auto end = text.find('|');
  if (end == text.npos) {
    return std::nullopt;
  }
  const auto field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

// The fields before the payload hold no '|', and the last one has 64 digits.
std::optional<Fields> parse_preimage(std::string_view text)
{
  const auto id = take_field(text);
  const auto ts = take_field(text);
  const auto type = take_field(text);
  const auto actor = take_field(text);
  if (!actor || text.size() <= k_hash_digits || text[text.size() - k_hash_digits - 1] != '|') {
    return std::nullopt;
  }
  const auto prev = digest_from_hex(text.substr(text.size() - k_hash_digits));
  const auto number = parse_number<std::int64_t>(*id);
  const Fields fields{
    number.value_or(0), *ts, *type, *actor, text.substr(0, text.size() - k_hash_digits - 1)};
  const bool good =
    number && prev && is_timestamp(fields.ts) && is_type(fields.type) && is_actor(fields.actor);
  return good ? std::optional(fields) : std::nullopt;
}

} // namespace

std::string to_text(const Proof& proof)
{
  auto text =
    fmt::format("{}\n{}{}\n{}{}\n", k_magic, k_extra, base64(proof.preimage), k_index, proof.index);
  for (const auto& hash : proof.path) {
    text += base64(hash) + "\n";
  }
  return text + "\n" + proof.checkpoint;
}

Result<Proof> parse_proof(std::string_view text)
{
  if (text.size() > k_max_proof_bytes || take_line(text) != k_magic) {
    return not_a_proof("its first line is another");
  }
  const auto extra = take_line(text);
  const auto preimage = extra && extra->starts_with(k_extra)
                          ? from_base64(extra->substr(k_extra.size()))
                          : std::nullopt;
  if (!preimage) {
    return not_a_proof("the row is not in it");
  }
  const auto place = take_line(text);
  const auto index = place && place->starts_with(k_index)
                       ? parse_number<merkle::Size>(place->substr(k_index.size()))
                       : std::nullopt;
  if (!index) {
    return not_a_proof("the index is not in it");
  }
  Proof proof{*preimage, *index, {}, {}};
  for (;;) {
    const auto line = take_line(text);
    if (line && line->empty()) {
      break;
    }
    const auto hash = line ? digest_from_base64(*line) : std::nullopt;
    if (!hash || proof.path.size() == k_max_path) {
      return not_a_proof("a hash is none");
    }
    proof.path.push_back(*hash);
  }
  proof.checkpoint = text;
  return proof;
}

Result<Proof> prove(const std::string& file, std::int64_t id, const SignedCheckpoint& checkpoint)
{
  const auto rows = checkpoint.checkpoint.rows;
  CONOS_TRY(auto view, View::open(file));
  CONOS_TRY(const auto row, view.row(id));
  if (row.ts.empty()) {
    return fail(Kind::not_found, "what row {} said was pruned; its hash is {}", id, row.hash);
  }
  if (id < 1 || id > rows) {
    return fail(Kind::unavailable,
      "row {} is not under a checkpoint yet, the last is of {} rows; "
      "conos-audit checkpoint signs one",
      id, rows);
  }
  const auto index = static_cast<merkle::Size>(id - 1);
  CONOS_TRY(auto path,
    merkle::inclusion(index, static_cast<merkle::Size>(rows), [&](unsigned level, merkle::Size n) {
      return view.tree().subtree(level, n);
    }));
  const auto prev = digest_from_hex(row.prev_hash).value_or(Digest{});
  Proof proof{preimage({id, row.ts, row.type, row.actor, row.payload}, prev), index,
    std::move(path), checkpoint.note};
  const auto root = merkle::root_by_inclusion(
    index, static_cast<merkle::Size>(rows), merkle::leaf(sha256(proof.preimage)), proof.path);
  if (root != checkpoint.checkpoint.root) { // better said now than by whoever is given it
    return fail(Kind::bad_data,
      "row {} does not lead to the checkpoint of {} rows: the ledger was "
      "changed; see conos-audit verify",
      id, rows);
  }
  return proof;
}

Result<Proved> check_proof(const Proof& proof, const VerifierKey& key)
{
  CONOS_TRY(const auto opened,
    open_checkpoint(proof.checkpoint, key).map_error(during("the checkpoint in it")));
  const auto fields = parse_preimage(proof.preimage);
  if (!fields || static_cast<merkle::Size>(fields->id) != proof.index + 1) {
    return not_a_proof("the row in it is not one of ours, or has another number");
  }
  const auto hash = sha256(proof.preimage);
  const auto root = merkle::root_by_inclusion(
    proof.index, static_cast<merkle::Size>(opened.checkpoint.rows), merkle::leaf(hash), proof.path);
  if (root != opened.checkpoint.root) {
    return fail(Kind::bad_data,
      "row {} as it stands there is not among the {} rows of the checkpoint", fields->id,
      opened.checkpoint.rows);
  }
  return Proved{*fields, hash, opened.checkpoint};
}

} // namespace conos::audit
