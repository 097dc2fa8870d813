#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is known of a task: meta.json while it is on its way, the receipt when it has ended. Only
// root's steps write either. The keys are those of docs/formats.md; none is ever renamed.
namespace conos {

enum class TaskKind { task, forward, reply, cron, continuous, escalation };

// A statement about where a task came from, never about what it says.
enum class Trust { unverified, verified };

enum class Outcome { answered, forwarded, failed, expired, cancelled };

std::string_view to_string(TaskKind kind);
std::string_view to_string(Trust trust);
std::string_view to_string(Outcome outcome);

struct Sender {
  std::optional<uid_t> uid;
  std::optional<std::string> name;  // of the account, "uid:N" where it has none
  std::optional<std::string> agent; // when the account is an agent's
};

struct ThreadRef {
  std::optional<std::string> key; // 16 hex digits, what the directory is called
  std::optional<std::string> id;
  std::optional<std::string> transport;
  std::optional<std::string> channel;
  std::optional<std::string> from;
};

struct Digests { // SHA-256, 64 hex digits
  std::optional<std::string> task;
  std::optional<std::string> prompt;
  std::optional<std::string> instructions;
};

struct Meta {
  std::string id;
  std::string root; // the first task's id of a chain
  std::optional<std::string> parent;
  int hop = 0;
  std::string agent;
  TaskKind kind = TaskKind::task;
  Sender sender;
  Trust trust = Trust::unverified;
  std::optional<std::string> title;
  ThreadRef thread;
  std::string reply = "outbox";        // or "inbox"
  std::optional<std::string> reply_to; // the agent whose inbox a reply goes to
  int priority = 5;
  std::optional<Time> deadline;
  std::optional<std::string> source;
  Time submitted_at;
  std::optional<Time> claimed_at; // first claim
  int attempt = 0;                // times work was about to start on it
  int claims = 0;                 // times claim took it
  std::optional<Time> not_before;
  std::optional<std::string> hold;       // retry, budget, approval, admin
  std::optional<std::string> invocation; // the activation that has it; null: nobody
  std::optional<std::string> original_name;
  std::size_t bytes = 0;
  Digests sha256;
  std::vector<std::string> policy; // the files of it that its prompt has
  std::map<std::string, std::string>
    claimed; // what a sender claimed of itself, "claimed_from"; means nothing
};

struct ExitOfWork {
  std::string result; // systemd's $SERVICE_RESULT
  std::string code;   // exited, killed, timeout, output-limit, none
  int status = 0;
};

struct ResponseRef {
  std::string file;
  std::size_t bytes = 0;
  std::string sha256;
  bool truncated = false;
};

// Of language models, by all attempts, as the door counts it; money in micro-USD.
struct Usage {
  std::int64_t calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t usd = 0;
};

// What was said and done, by the digest it is kept under.
struct TranscriptRef {
  std::size_t bytes = 0;
  std::string sha256;
  bool redacted = false; // keys were taken out of it before it was kept
};

struct Receipt {
  Meta meta;
  Outcome outcome = Outcome::failed;
  std::optional<std::string> reason;
  std::optional<Time> started_at;
  Time finished_at;
  ExitOfWork exit;
  std::string runner;
  int batch = 1;
  std::optional<ResponseRef> response;
  std::optional<std::string> forwarded_to;
  Usage usage;
  std::optional<TranscriptRef> transcript;
  std::optional<std::int64_t> ledger_id;
  std::optional<std::string> ledger_hash;
};

std::string to_json(const Meta& meta);
std::string to_json(const Receipt& receipt);

// Kind::bad_data when the text is not one of ours.
Result<Meta> meta_from_json(std::string_view text);
Result<Receipt> receipt_from_json(std::string_view text);
Result<std::vector<Receipt>> receipts_from_json(std::string_view text); // of an array

// Bounds of the two files.
constexpr std::size_t k_max_meta_bytes = 64U << 10U;

// The unique key of a ledger row about a task: AGENT/ID/COUNT/type. Two agents may have a task of
// the same id. The count is the attempt's, or the claim's for what happens between attempts.
std::string ledger_key(const Meta& meta, int count, std::string_view type);
std::string ledger_key(const Meta& meta, std::string_view type);

// Where a receipt and a response go: "20261120T213001Z-fix-disk".
std::string outbox_stem(const Meta& meta);

} // namespace conos
