#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "think/loop.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What was said and done in one run, as lines of JSON: drafts/ID/transcript.jsonl. The agent writes
// it, so it is testimony; what the model was asked and answered is also known to its door, by the
// same digests.
namespace conos::think {

inline const std::string k_transcript = "transcript.jsonl";
constexpr std::size_t k_max_transcript_bytes = 16U << 20U;

// One line for each thing that happens, on its way to the disk at once: a run that is killed leaves
// what there was. What would make it larger than k_max_transcript_bytes is left out, and a last
// line says so.
class Transcript
{
public:
  // Takes over an open file; one that is not open writes nothing.
  explicit Transcript(UniqueFd file)
      : m_file(std::move(file))
  {
  }

  void begin(const Job& job);
  Witness witness();
  void end(const Result<Finished>& result, const Usage& usage);

private:
  void write(const std::string& line);

  UniqueFd m_file;
  std::size_t m_bytes = 0;
  bool m_is_full = false;
};

// A transcript, read back.
struct Record {
  struct ToolUse {
    Block call;
    Outcome outcome;
  };
  struct Step {
    std::string request_sha256;
    std::size_t request_bytes = 0;
    std::optional<Answer> answer; // none when there was none
    std::string error;            // why
    std::string answer_sha256;    // of the bytes that came
    std::size_t answer_bytes = 0;
    std::vector<ToolUse> tools;
  };

  Job job; // but for the prompt, of which this is the digest
  std::string prompt_sha256;
  std::vector<Step> steps;
  std::string how; // what ended it; empty when it did not come to its end
  std::string answer_sha256;
  Usage usage;
  bool is_cut = false;
};

// Kind::bad_data when it is none. A last line that broke off is left out.
Result<Record> read_record(std::string_view transcript);

// The same run again, from what was written down: same prompt, the model's answers and what tools
// gave back taken from the record.
struct Replay {
  std::string answer;
  std::vector<std::string> differences; // "step 3: the request is another one: …"; none is good
  std::size_t steps = 0;
};
// `look` is shown each request, with its step from 1 on.
Replay replay(const Record& record, const std::string& prompt,
  const std::function<void(std::size_t step, const std::string& body)>& look = nullptr);

// For people: each step, what was said, what was done; `only_tools` leaves the rest out. Escaped.
std::string transcript_text(const Record& record, bool only_tools);

} // namespace conos::think
