#include "think/tools.hpp"

#include "ask/client.hpp"
#include "ask/words.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"
#include "task/submit.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>

namespace conos::think {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_file_bytes = 8U << 20U;
constexpr std::size_t k_max_listed = 1000;
constexpr Duration k_max_command_time = std::chrono::minutes(10);

Outcome wrong(std::string text)
{
  return {std::move(text), true};
}

Outcome wrong(const Error& error)
{
  return {error.text(), true};
}

std::string text_in(const Json& input, const char* key, std::string fallback = "")
{
  const auto found = input.find(key);
  return found != input.end() && found->is_string() ? found->get<std::string>()
                                                    : std::move(fallback);
}

long number_in(const Json& input, const char* key, long fallback, long least, long most)
{
  const auto found = input.find(key);
  return found != input.end() && found->is_number_integer()
           ? std::clamp(found->get<long>(), least, most)
           : fallback;
}

std::string path_in(const Json& input, const Workplace& place)
{
  const auto path = text_in(input, "path", ".");
  return path.starts_with('/') ? path : place.directory + "/" + path;
}

bool is_text(std::string_view text)
{
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

// --- commands ------------------------------------------------------------------------------------

std::vector<std::string> argv_in(const Json& input)
{
  const auto found = input.find("argv");
  if (found != input.end() && found->is_array()) {
    std::vector<std::string> argv;
    for (const auto& word : *found) {
      argv.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    }
    return argv;
  }
  const auto command = text_in(input, "command");
  return command.empty() ? std::vector<std::string>()
                         : std::vector<std::string>{"/bin/sh", "-c", command};
}

std::string how_it_ended(const Ended& ended, Duration time)
{
  switch (ended.how) {
  case Ended::How::exited:
    return fmt::format("exit status {}", ended.status);
  case Ended::How::signalled:
    return fmt::format("killed by signal {}", ended.status);
  case Ended::How::timeout:
    return "stopped after " + for_people(time);
  case Ended::How::output_limit:
    return "stopped: it printed too much";
  }
  return "";
}

Outcome run(const Json& input, const Workplace& place, Duration time_left)
{
  const auto argv = argv_in(input);
  const bool has_nul = std::any_of(argv.begin(), argv.end(), [](const std::string& word) {
    return word.find('\0') != std::string::npos;
  });
  if (argv.empty() || argv.front().empty() || has_nul) {
    return wrong("give 'command', a line for /bin/sh, or 'argv', a list of words");
  }
  const auto wanted = std::chrono::seconds(number_in(input, "timeout_s",
    std::chrono::duration_cast<std::chrono::seconds>(place.command_time).count(), 1,
    std::chrono::duration_cast<std::chrono::seconds>(k_max_command_time).count()));
  Bounds bounds;
  bounds.time = std::min<Duration>(wanted, time_left);
  bounds.out_bytes = 4U << 20U;
  bounds.err_bytes = 64U << 10U;
  const auto ended = run_command({argv, place.environment, place.directory}, bounds);
  if (!ended) {
    return wrong(ended.error());
  }
  auto text = how_it_ended(*ended, bounds.time) + "\n" + shortened(ended->out, place.output_bytes);
  if (!ended->err.empty()) {
    text += "\n--- stderr\n" + shortened(ended->err, place.output_bytes / 4);
  }
  return {std::move(text), ended->how != Ended::How::exited || ended->status != 0};
}

// --- files ---------------------------------------------------------------------------------------

// Never waits for a FIFO, never reads a device.
Result<std::string> read_regular(const std::string& path)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a plain file", escaped(path));
  }
  return read_all(file, k_max_file_bytes);
}

Result<> write_regular(const std::string& path, std::string_view text)
{
  const UniqueFd file(
    ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a plain file", escaped(path));
  }
  if (::ftruncate(file.get(), 0) < 0) {
    return os_error("empty '{}'", escaped(path));
  }
  return write_all(file, text);
}

Outcome read(const Json& input, const Workplace& place)
{
  const auto text = read_regular(path_in(input, place));
  if (!text) {
    return wrong(text.error());
  }
  if (!is_text(*text)) {
    return wrong(fmt::format("it is not text, but {} bytes of something else", text->size()));
  }
  const auto first = number_in(input, "line", 1, 1, 1L << 30);
  const auto count = number_in(input, "lines", 1L << 30, 1, 1L << 30);
  std::string_view rest = *text;
  for (long line = 1; line < first && !rest.empty(); ++line) {
    rest.remove_prefix(
      std::min(rest.size(), rest.find('\n') == rest.npos ? rest.size() : rest.find('\n') + 1));
  }
  std::size_t end = 0;
  for (long line = 0; line < count && end < rest.size(); ++line) {
    const auto at = rest.find('\n', end);
    end = at == std::string_view::npos ? rest.size() : at + 1;
  }
  return {shortened(rest.substr(0, end), place.output_bytes)};
}

Outcome changed(
  const std::string& path, std::string_view before, std::string_view after, const Workplace& place)
{
  if (const auto written = write_regular(path, after); !written) {
    return wrong(written.error());
  }
  const auto diff = unified_diff(path, before, after);
  return {diff.empty() ? "nothing changed" : shortened(diff, place.output_bytes)};
}

Outcome write(const Json& input, const Workplace& place)
{
  const auto content = input.find("content");
  if (!input.contains("path") || content == input.end() || !content->is_string()) {
    return wrong("give 'path' and 'content'");
  }
  const auto path = path_in(input, place);
  const auto before = read_regular(path);
  if (!before && before.error().kind != Kind::not_found) {
    return wrong(before.error());
  }
  return changed(path, before ? *before : "", content->get<std::string>(), place);
}

Outcome edit(const Json& input, const Workplace& place)
{
  const auto old_text = text_in(input, "old");
  if (!input.contains("path") || old_text.empty() || !input.contains("new")) {
    return wrong("give 'path', 'old' and 'new'");
  }
  const auto path = path_in(input, place);
  const auto before = read_regular(path);
  if (!before) {
    return wrong(before.error());
  }
  const auto at = before->find(old_text);
  if (at == std::string::npos) {
    return wrong("'old' is not in the file: it must match to the letter, blanks and all");
  }
  if (before->find(old_text, at + 1) != std::string::npos) {
    return wrong("'old' is in the file more than once: give more of what is around it");
  }
  auto after = *before;
  after.replace(at, old_text.size(), text_in(input, "new"));
  return changed(path, *before, after, place);
}

Outcome list(const Json& input, const Workplace& place)
{
  const auto dir = open_dir(path_in(input, place));
  if (!dir) {
    return wrong(dir.error());
  }
  auto names = list_names(*dir, k_max_listed);
  if (!names) {
    return wrong(names.error());
  }
  std::sort(names->begin(), names->end());
  std::string text;
  for (const auto& name : *names) {
    const auto st = stat_at(*dir, name);
    const auto* kind = !st                    ? "?"
                       : S_ISDIR(st->st_mode) ? "directory"
                       : S_ISLNK(st->st_mode) ? "symlink"
                       : S_ISREG(st->st_mode) ? ""
                                              : "special";
    text += *kind == '\0' ? fmt::format("{:>12}  {}\n", st->st_size, escaped(name))
                          : fmt::format("{:>12}  {}\n", kind, escaped(name));
  }
  if (names->size() == k_max_listed) {
    text += "(there may be more)\n";
  }
  return {text.empty() ? "(empty)\n" : shortened(text, place.output_bytes)};
}

Outcome search(const Json& input, const Workplace& place, Duration time_left)
{
  const auto pattern = text_in(input, "pattern");
  if (pattern.empty() || pattern.find('\0') != std::string::npos) {
    return wrong("give 'pattern', an extended regular expression");
  }
  Bounds bounds;
  bounds.time = std::min<Duration>(place.command_time, time_left);
  bounds.out_bytes = 4U << 20U;
  const auto ended = run_command({{"/usr/bin/grep", "-rnIE", "-D", "skip", "-m", "50", "-e",
                                    pattern, "--", path_in(input, place)},
                                   place.environment, place.directory},
    bounds);
  if (!ended) {
    return wrong(ended.error());
  }
  constexpr int k_none_found = 1;
  if (ended->how == Ended::How::exited && ended->status == k_none_found) {
    return {"nothing found\n"};
  }
  // what it could not read does not take away what it found
  if (ended->how == Ended::How::exited && ended->status != 0 && ended->out.empty()) {
    return wrong(shortened(ended->err, place.output_bytes / 4));
  }
  return {shortened(ended->out, place.output_bytes)};
}

// --- the rest ------------------------------------------------------------------------------------

Outcome skill(const Json& input, const Workplace& place)
{
  const auto text = place.skills.empty() ? Result<std::string>(fail(Kind::not_found, "no skills"))
                                         : read_regular(place.skills);
  const auto all = text ? Json::parse(*text, nullptr, false) : Json();
  const auto name = text_in(input, "name");
  if (all.is_object() && all.contains(name) && all[name].is_string()) {
    return {all[name].get<std::string>()};
  }
  return wrong("there is no skill of that name: those there are stand in your prompt");
}

// What the gate says, for the model to read.
Outcome heard(const ask::Answer& answer)
{
  const auto text = ask::text_of(answer);
  switch (answer.status) {
  case ask::Status::done:
    return {text.empty() ? "done" : text};
  case ask::Status::pending:
    return {fmt::format("a person is asked; this is request {}. Go on without it: what becomes of "
                        "it comes to you as a task of its own",
      answer.approval)};
  case ask::Status::refused:
  case ask::Status::failed:
  case ask::Status::busy:
    break;
  }
  return wrong(ask::complaint_of(answer) + (text.empty() ? "" : "\n" + text));
}

Outcome ask_gate(const ask::Request& request, const Workplace& place, Duration time_left)
{
  auto gate = ask::Gate::connect(place.gate);
  if (!gate) {
    return wrong("there is no gate here: nothing privileged can be asked for. Say in your answer "
                 "what a person would have to do");
  }
  const auto answer = gate->ask(request, time_left);
  if (!answer) {
    return wrong(answer.error());
  }
  auto outcome = heard(*answer);
  outcome.text = shortened(outcome.text, place.output_bytes);
  return outcome;
}

// By the gate, where there is one: in the cage there are no inboxes.
Outcome task(const Json& input, const Workplace& place, Duration time_left)
{
  const auto to = text_in(input, "to");
  if (!is_agent_name(to)) {
    return wrong("give 'to', the name of an agent, and 'text'");
  }
  if (!place.gate.empty()) {
    ask::Request request{
      "task.send", {{"to", to}, {"body", text_in(input, "text")}}, "", place.task};
    if (input.contains("title")) {
      request.args["title"] = text_in(input, "title");
    }
    return ask_gate(request, place, time_left);
  }
  Envelope envelope;
  envelope.body = text_in(input, "text");
  envelope.title = input.contains("title") ? std::optional(text_in(input, "title")) : std::nullopt;
  const auto id = submit_task(place.agents + "/" + to + "/inbox", envelope);
  if (!id && (id.error().kind == Kind::not_found || id.error().kind == Kind::denied)) {
    return wrong(fmt::format("from here nothing can be put into the inbox of '{0}'. To pass this "
                             "task on, finish with an answer whose first line is ROUTE_TO: {0}",
      to));
  }
  return id ? Outcome{"handed in as " + *id} : wrong(id.error());
}

Outcome ask_for(const Json& input, const Workplace& place, Duration time_left)
{
  ask::Request request{text_in(input, "verb"), {}, "", place.task};
  const auto args = input.find("args");
  if (request.verb.empty() || (args != input.end() && !args->is_object())) {
    return wrong("give 'verb', and 'args', an object of texts");
  }
  if (args != input.end()) {
    for (const auto& [key, value] : args->items()) {
      request.args[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return ask_gate(request, place, time_left);
}

Outcome finish(const Json& input)
{
  auto answer = text_in(input, "answer");
  if (trimmed(answer).empty()) {
    return wrong("give 'answer', the whole text of your answer");
  }
  return {std::move(answer), false, true};
}

struct Tool {
  ToolSpec spec;
  std::function<Outcome(const Json&, const Workplace&, Duration)> use;
};

const std::vector<Tool>& tools()
{
  static const std::vector<Tool> k_tools{
    {{"run",
       "Run a program and get its exit status and output. 'command' is a line for /bin/sh, 'argv' "
       "a "
       "list of words without a shell. There is no network and no input.",
       R"({"type":"object","properties":{"command":{"type":"string"},"argv":{"type":"array","items":{"type":"string"}},"timeout_s":{"type":"integer","minimum":1,"maximum":600}}})"},
      run},
    {{"read", "Read a text file, or 'lines' lines of it from 'line' on.",
       R"({"type":"object","properties":{"path":{"type":"string"},"line":{"type":"integer","minimum":1},"lines":{"type":"integer","minimum":1}},"required":["path"]})"},
      [](const Json& input, const Workplace& place, Duration) {
        return read(input, place);
      }},
    {{"write", "Write a text file, making it where there is none. Gives the difference back.",
       R"({"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]})"},
      [](const Json& input, const Workplace& place, Duration) {
        return write(input, place);
      }},
    {{"edit",
       "Replace 'old' by 'new' in a text file. 'old' must be in it exactly once, to the letter. "
       "Gives "
       "the difference back.",
       R"({"type":"object","properties":{"path":{"type":"string"},"old":{"type":"string"},"new":{"type":"string"}},"required":["path","old","new"]})"},
      [](const Json& input, const Workplace& place, Duration) {
        return edit(input, place);
      }},
    {{"list", "List a directory, with sizes.",
       R"({"type":"object","properties":{"path":{"type":"string"}}})"},
      [](const Json& input, const Workplace& place, Duration) {
        return list(input, place);
      }},
    {{"search", "Find lines in text files below 'path' by an extended regular expression.",
       R"({"type":"object","properties":{"pattern":{"type":"string"},"path":{"type":"string"}},"required":["pattern"]})"},
      search},
    {{"skill", "Get the text of a skill your prompt names.",
       R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})"},
      [](const Json& input, const Workplace& place, Duration) {
        return skill(input, place);
      }},
    {{"task", "Give another agent a task.",
       R"({"type":"object","properties":{"to":{"type":"string"},"text":{"type":"string"},"title":{"type":"string"}},"required":["to","text"]})"},
      task},
    {{"ask",
       "Ask for what only the machine can do, such as a package or the restart of a service. The "
       "verb query with what=verbs says what there is; what needs a person is answered later.",
       R"({"type":"object","properties":{"verb":{"type":"string"},"args":{"type":"object"}},"required":["verb"]})"},
      ask_for},
    {{"finish",
       "End your work with your answer, the whole text of it. To pass the task on to another agent "
       "its first line is ROUTE_TO: NAME.",
       R"({"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"]})"},
      [](const Json& input, const Workplace&, Duration) {
        return finish(input);
      }},
  };
  return k_tools;
}

// The lines of a text, each with its newline.
std::vector<std::string_view> lines_of(std::string_view text)
{
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

std::string marked(char mark, std::string_view line)
{
  const auto* end = line.ends_with('\n') ? "" : "\n\\ No newline at end of file\n";
  return mark + std::string(line) + end;
}

} // namespace

const std::vector<ToolSpec>& tool_specs()
{
  static const auto k_specs = [] {
    std::vector<ToolSpec> specs;
    for (const auto& tool : tools()) {
      specs.push_back(tool.spec);
    }
    return specs;
  }();
  return k_specs;
}

Outcome use_tool(const Block& call, const Workplace& place, Duration time_left)
{
  const auto found = std::find_if(tools().begin(), tools().end(), [&](const Tool& tool) {
    return tool.spec.name == call.name;
  });
  if (found == tools().end()) {
    return wrong(fmt::format("there is no tool '{}'", escaped(call.name, 80)));
  }
  const auto input = call.text.empty() ? Json::object() : Json::parse(call.text, nullptr, false);
  if (!input.is_object()) {
    return wrong("the arguments are not a JSON object");
  }
  return found->use(input, place, time_left);
}

std::string unified_diff(std::string_view path, std::string_view before, std::string_view after)
{
  constexpr std::size_t k_context = 3;
  if (before == after) {
    return "";
  }
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  const auto shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t head = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) {
    ++head;
  }
  std::size_t tail = 0;
  while (tail < shorter - head &&
         old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  const auto from = head - std::min(head, k_context);
  const auto until = tail - std::min(tail, k_context);
  const auto old_end = old_lines.size() - until;
  const auto new_end = new_lines.size() - until;
  auto text = fmt::format("--- {0}\n+++ {0}\n@@ -{1},{2} +{3},{4} @@\n", escaped(path),
    old_end == from ? from : from + 1, old_end - from, new_end == from ? from : from + 1,
    new_end - from);
  for (auto i = from; i < head; ++i) {
    text += marked(' ', old_lines[i]);
  }
  for (auto i = head; i < old_lines.size() - tail; ++i) {
    text += marked('-', old_lines[i]);
  }
  for (auto i = head; i < new_lines.size() - tail; ++i) {
    text += marked('+', new_lines[i]);
  }
  for (auto i = old_lines.size() - tail; i < old_end; ++i) {
    text += marked(' ', old_lines[i]);
  }
  return text;
}

std::string shortened(std::string_view text, std::size_t limit)
{
  const auto begin = text.size() <= limit ? text : clipped(text, limit / 2);
  const bool is_cut = begin.size() < text.size();
  auto end = is_cut ? text.substr(text.size() - limit / 4) : std::string_view();
  while (!end.empty() && (static_cast<unsigned char>(end.front()) & 0xC0U) == 0x80U) {
    end.remove_prefix(1);
  }
  auto all = std::string(begin);
  if (is_cut) {
    all += fmt::format("\n[… {} bytes left out …]\n", text.size() - begin.size() - end.size());
    all += end;
  }
  return is_text(all) ? all : escaped_lines(all);
}

} // namespace conos::think
