#include "contract/report/report.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace conos::contract {

namespace {

constexpr std::array<std::pair<std::string_view, Format>, 5> k_formats{{
  {"text", Format::text},
  {"json", Format::json},
  {"tap", Format::tap},
  {"junit", Format::junit},
  {"prometheus", Format::prometheus},
}};

Result<Sink> parse_sink(std::string_view text)
{
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  const auto format = format_of(name);
  if (!format) {
    const auto near = nearest(name, format_names());
    return fail(Kind::usage, "there is no format '{}'{}", escaped(name, 64),
      near ? fmt::format(" (did you mean '{}'?)", *near)
           : fmt::format("; there are {}", join(format_names(), ", ")));
  }
  if (equals == text.npos) {
    return Sink{*format, ""};
  }
  if (equals + 1 == text.size()) {
    return fail(Kind::usage, "--format={}: the name of the file is missing", escaped(text));
  }
  return Sink{*format, std::string(text.substr(equals + 1))};
}

} // namespace

std::optional<Format> format_of(std::string_view name)
{
  const auto found = std::find_if(k_formats.begin(), k_formats.end(), [&](const auto& entry) {
    return entry.first == name;
  });
  return found == k_formats.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> format_names()
{
  std::vector<std::string> names;
  for (const auto& [name, format] : k_formats) {
    names.emplace_back(name);
  }
  return names;
}

Result<std::vector<Sink>> parse_sinks(const std::vector<std::string>& given)
{
  std::vector<Sink> out;
  for (const auto& text : given) {
    for (const auto one : split(text, ',')) {
      CONOS_TRY(auto sink, parse_sink(one));
      out.push_back(std::move(sink));
    }
  }
  const auto to_stdout = std::count_if(out.begin(), out.end(), [](const Sink& sink) {
    return sink.file.empty();
  });
  if (to_stdout > 1) {
    return fail(Kind::usage, "only one report can go to standard output; write FORMAT=FILE");
  }
  return out;
}

std::string render(const Report& report, Format format, const TextStyle& style)
{
  switch (format) {
  case Format::text:
    return text_report(report, style);
  case Format::json:
    return json_report(report);
  case Format::tap:
    return tap_report(report);
  case Format::junit:
    return junit_report(report);
  case Format::prometheus:
    return prometheus_report(report);
  }
  return "";
}

Result<> write_report(const std::string& file, const std::string& text)
{
  const auto slash = file.rfind('/');
  const auto directory =
    slash == std::string::npos ? "." : file.substr(0, std::max(slash, std::size_t{1}));
  CONOS_TRY(const auto dir, open_dir(directory));
  return replace(
    dir, file.substr(slash == std::string::npos ? 0 : slash + 1), text, 0644, {}, Durable::later);
}

std::string summary_of(const Report& report)
{
  constexpr std::array<std::pair<Status, std::string_view>, 8> k_words{{
    {Status::pass, "passed"},
    {Status::fail, "failed"},
    {Status::warn, "warned"},
    {Status::skip, "skipped"},
    {Status::exempt, "exempt"},
    {Status::halt, "to halt"},
    {Status::error, "in error"},
    {Status::timeout, "timed out"},
  }};
  std::string out;
  for (const auto& [status, word] : k_words) {
    const auto count = report.count(status);
    if (count > 0 || status == Status::pass || status == Status::fail) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, word);
    }
  }
  return fmt::format("{} in {:.1f} ms", out, static_cast<double>(report.took.count()) / 1000);
}

std::string label_of(const Row& row)
{
  return escaped(row.id(), 200) + "/" + escaped(row.name(), 300);
}

} // namespace conos::contract
