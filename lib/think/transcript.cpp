#include "think/transcript.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace conos::think {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 4> k_kinds{"text", "call", "result", "opaque"};

Json json_of(const Block& block)
{
  Json json{{"kind", k_kinds[static_cast<std::size_t>(block.kind)]}, {"text", block.text}};
  if (!block.id.empty() || !block.name.empty()) {
    json["id"] = block.id;
    json["name"] = block.name;
  }
  if (block.is_error) {
    json["is_error"] = true;
  }
  return json;
}

Block block_of(const Json& json)
{
  Block block;
  const auto kind = json.at("kind").get<std::string>();
  const auto found = std::find(k_kinds.begin(), k_kinds.end(), kind);
  if (found == k_kinds.end()) {
    throw std::runtime_error("unknown kind of block");
  }
  block.kind = static_cast<Block::Kind>(found - k_kinds.begin());
  block.text = json.at("text");
  block.id = json.value("id", "");
  block.name = json.value("name", "");
  block.is_error = json.value("is_error", false);
  return block;
}

Json json_of(const Usage& usage)
{
  return {{"calls", usage.calls}, {"input", usage.input}, {"cache_read", usage.cache_read},
    {"cache_written", usage.cache_written}, {"output", usage.output}};
}

Usage usage_of(const Json& json)
{
  return {json.at("calls"), json.at("input"), json.at("cache_read"), json.at("cache_written"),
    json.at("output")};
}

Json json_of(const std::vector<Block>& blocks)
{
  auto json = Json::array();
  for (const auto& block : blocks) {
    json.push_back(json_of(block));
  }
  return json;
}

std::vector<Block> blocks_of(const Json& json)
{
  std::vector<Block> blocks;
  for (const auto& block : json) {
    blocks.push_back(block_of(block));
  }
  return blocks;
}

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void take_line(const Json& json, Record& record)
{
  const auto kind = json.at("what").get<std::string>();
  if (kind == "begin") {
    record.prompt_sha256 = json.at("prompt_sha256");
    const auto api = api_called(json.at("api").get<std::string>());
    if (!api) {
      throw std::runtime_error(api.error().text());
    }
    record.job.api = *api;
    record.job.model = json.at("model");
    const auto& limits = json.at("limits");
    record.job.limits = {limits.at("steps"), limits.at("tokens"), limits.at("answer_tokens"),
      limits.at("context_bytes")};
    for (const auto& message : json.at("history")) {
      record.job.history.push_back({message.at("from_model"), blocks_of(message.at("blocks"))});
    }
  } else if (kind == "request") {
    record.steps.emplace_back();
    record.steps.back().request_sha256 = json.at("sha256");
    record.steps.back().request_bytes = json.at("bytes");
  } else if (kind == "answer") {
    auto& step = record.steps.at(record.steps.size() - 1);
    step.answer_sha256 = json.at("sha256");
    step.answer_bytes = json.at("bytes");
    if (json.contains("error")) {
      step.error = json.at("error");
      return;
    }
    Answer answer;
    answer.blocks = blocks_of(json.at("blocks"));
    const auto stop = stop_called(json.at("stop").get<std::string>());
    if (!stop) {
      throw std::runtime_error(stop.error().text());
    }
    answer.stop = *stop;
    answer.model = json.at("model");
    answer.dropped_calls = json.at("dropped_calls");
    answer.usage = usage_of(json.at("usage"));
    step.answer = std::move(answer);
  } else if (kind == "tool") {
    record.steps.at(record.steps.size() - 1)
      .tools.push_back(
        {block_of(json.at("call")), {json.at("text"), json.at("is_error"), json.at("is_finish")}});
  } else if (kind == "end") {
    record.how = json.at("how");
    record.answer_sha256 = json.at("answer_sha256");
    record.usage = usage_of(json.at("usage"));
  } else if (kind == "cut") {
    record.is_cut = true;
  }
}

std::string indented(std::string_view text)
{
  std::string out;
  for (const auto line : split(trimmed(text), '\n')) {
    out += "    " + escaped(line, 2000) + "\n";
  }
  return out;
}

} // namespace

void Transcript::write(const std::string& line)
{
  constexpr std::size_t k_room_for_end = 4096;
  if (!m_file || m_is_full) {
    return;
  }
  m_bytes += line.size();
  const bool fits = m_bytes <= k_max_transcript_bytes - k_room_for_end;
  m_is_full = !fits;
  const auto written = write_all(m_file, fits ? line : std::string("{\"what\":\"cut\"}\n"));
  if (!written) {
    log::warning("go on without a transcript: {}", written.error().text());
    m_file.reset();
  }
}

void Transcript::begin(const Job& job)
{
  auto history = Json::array();
  for (const auto& message : job.history) {
    history.push_back({{"from_model", message.from_model}, {"blocks", json_of(message.blocks)}});
  }
  write(dumped({{"what", "begin"}, {"v", 1}, {"prompt_sha256", audit::sha256_hex(job.prompt)},
    {"api", to_string(job.api)}, {"model", job.model}, {"history", history},
    {"limits", {{"steps", job.limits.steps}, {"tokens", job.limits.tokens},
                 {"answer_tokens", job.limits.answer_tokens},
                 {"context_bytes", job.limits.context_bytes}}}}));
}

Witness Transcript::witness()
{
  Witness witness;
  witness.request = [this](std::size_t step, const std::string& body) {
    write(dumped({{"what", "request"}, {"step", step}, {"sha256", audit::sha256_hex(body)},
      {"bytes", body.size()}}));
  };
  witness.answer = [this](std::size_t step, const Asked& asked) {
    Json json{{"what", "answer"}, {"step", step}, {"sha256", asked.sha256}, {"bytes", asked.bytes}};
    if (asked.answer) {
      const auto& answer = *asked.answer;
      json["stop"] = to_string(answer.stop);
      json["model"] = answer.model;
      json["usage"] = json_of(answer.usage);
      json["dropped_calls"] = answer.dropped_calls;
      json["blocks"] = json_of(answer.blocks);
    } else {
      json["error"] = asked.answer.error().text();
    }
    write(dumped(json));
  };
  witness.tool = [this](std::size_t step, const Block& call, const Outcome& outcome) {
    write(dumped({{"what", "tool"}, {"step", step}, {"call", json_of(call)}, {"text", outcome.text},
      {"is_error", outcome.is_error}, {"is_finish", outcome.is_finish}}));
  };
  return witness;
}

void Transcript::end(const Result<Finished>& result, const Usage& usage)
{
  if (m_is_full) {
    m_is_full = false; // there is room for this
    m_bytes = 0;
  }
  write(dumped({{"what", "end"}, {"how", result ? result->how : "error"},
    {"answer_sha256", result ? audit::sha256_hex(result->answer) : ""},
    {"error", result ? "" : result.error().text()}, {"usage", json_of(usage)}}));
}

Result<Record> read_record(std::string_view transcript)
{
  Record record;
  std::size_t number = 0;
  while (!transcript.empty()) {
    const auto end = transcript.find('\n');
    if (end == std::string_view::npos) {
      return record; // it was killed while it wrote
    }
    ++number;
    try {
      take_line(Json::parse(transcript.substr(0, end)), record);
    } catch (const std::exception& error) {
      return fail(Kind::bad_data, "line {} of the transcript: {}", number, escaped(error.what()));
    }
    transcript.remove_prefix(end + 1);
  }
  return record;
}

Replay replay(const Record& record, const std::string& prompt,
  const std::function<void(std::size_t step, const std::string& body)>& look)
{
  Replay result;
  auto& differences = result.differences;
  if (audit::sha256_hex(prompt) != record.prompt_sha256) {
    differences.emplace_back("the prompt is not the one of the record");
  }
  std::size_t step = 0; // the one that is being done, from 1 on
  std::size_t tool = 0;
  World world;
  world.is_time_up = [&] {
    return step >= record.steps.size() && record.how == "time";
  };
  world.ask = [&](const std::string& body) {
    Asked asked;
    if (step >= record.steps.size()) {
      differences.push_back(fmt::format("step {}: the record ends before it", step + 1));
      asked.answer = fail(Kind::unavailable, "the record ends here");
      return asked;
    }
    const auto& known = record.steps[step];
    ++step;
    tool = 0;
    if (look) {
      look(step, body);
    }
    if (audit::sha256_hex(body) != known.request_sha256) {
      differences.push_back(fmt::format("step {}: the request is another one ({} bytes, not {})",
        step, body.size(), known.request_bytes));
    }
    asked.sha256 = known.answer_sha256;
    asked.bytes = known.answer_bytes;
    asked.answer = known.answer ? Result<Answer>(*known.answer)
                                : Result<Answer>(fail(Kind::unavailable, "{}", known.error));
    return asked;
  };
  world.use = [&](const Block& call) {
    const auto& known = record.steps[step - 1].tools;
    if (tool >= known.size()) {
      differences.push_back(
        fmt::format("step {}: '{}' was not used", step, escaped(call.name, 80)));
      return Outcome{"(not in the record)", true};
    }
    const auto& use = known[tool];
    ++tool;
    if (use.call.name != call.name || use.call.text != call.text || use.call.id != call.id) {
      differences.push_back(
        fmt::format("step {}: '{}' was used otherwise", step, escaped(use.call.name, 80)));
    }
    return use.outcome;
  };
  const Witness nobody{[](std::size_t, const std::string&) {}, [](std::size_t, const Asked&) {},
    [](std::size_t, const Block&, const Outcome&) {}};

  auto job = record.job;
  job.prompt = prompt;
  Usage usage;
  const auto finished = work_through(job, world, nobody, usage);
  result.steps = step;
  if (step < record.steps.size()) {
    differences.push_back(fmt::format(
      "step {}: it ends here, the record goes on to step {}", step, record.steps.size()));
  }
  if (finished) {
    result.answer = finished->answer;
  }
  const auto digest = finished ? audit::sha256_hex(finished->answer) : "";
  if (digest != record.answer_sha256) {
    differences.push_back(fmt::format("step {}: the answer is another one", step));
  }
  return result;
}

std::string transcript_text(const Record& record, bool only_tools)
{
  std::string text;
  std::size_t number = 0;
  for (const auto& step : record.steps) {
    ++number;
    if (!only_tools) {
      text += fmt::format("step {}: asked with {} bytes\n", number, step.request_bytes);
      if (!step.answer) {
        text += "  no answer: " + escaped(step.error, 500) + "\n";
      } else {
        const auto& answer = *step.answer;
        text += fmt::format("  {} answered ({}), {} tokens in, {} out\n", escaped(answer.model, 80),
          to_string(answer.stop), answer.usage.tokens() - answer.usage.output, answer.usage.output);
        text += trimmed(answer.text()).empty() ? "" : indented(answer.text());
      }
    }
    for (const auto& use : step.tools) {
      text += fmt::format("step {}: {} {}{}\n", number, escaped(use.call.name, 80),
        escaped(use.call.text, 500), use.outcome.is_error ? "  (error)" : "");
      text += indented(shortened(use.outcome.text, 2000));
    }
  }
  text += record.is_cut ? "(the transcript was too long: the rest is not there)\n" : "";
  text += record.how.empty() ? "(it did not come to its end)\n"
                             : "ended: " + escaped(record.how, 40) + "\n";
  return text;
}

} // namespace conos::think
