#include "artifact/artifact.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace conos::artifact {

namespace {

using Json = nlohmann::json;

template<class Enum>
using Names = std::array<std::pair<Enum, std::string_view>, 3>;

constexpr std::array<std::pair<Form, std::string_view>, 5> k_forms{
  {{Form::file, "file"}, {Form::report, "report"}, {Form::data, "data"}, {Form::image, "image"},
    {Form::archive, "archive"}}};
constexpr Names<Audience> k_audiences{
  {{Audience::user, "user"}, {Audience::operator_, "operator"}, {Audience::public_, "public"}}};
constexpr Names<Exposure> k_exposures{{{Exposure::private_, "private"}, {Exposure::link, "link"},
  {Exposure::dashboard_local, "dashboard_local"}}};

struct Type {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array<Type, 18> k_types{{
  {".css", "text/css; charset=utf-8"},
  {".csv", "text/csv; charset=utf-8"},
  {".gif", "image/gif"},
  {".gz", "application/gzip"},
  {".htm", "text/html; charset=utf-8"},
  {".html", "text/html; charset=utf-8"},
  {".jpeg", "image/jpeg"},
  {".jpg", "image/jpeg"},
  {".json", "application/json"},
  {".md", "text/markdown; charset=utf-8"},
  {".pdf", "application/pdf"},
  {".png", "image/png"},
  {".svg", "image/svg+xml"},
  {".tar", "application/x-tar"},
  {".txt", "text/plain; charset=utf-8"},
  {".xml", "application/xml"},
  {".yaml", "application/yaml"},
  {".zip", "application/zip"},
}};

template<class All>
std::string_view name_in(const All& all, typename All::value_type::first_type value)
{
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) {
    return one.first == value;
  });
  return found->second;
}

template<class All>
Result<typename All::value_type::first_type> called(
  const All& all, std::string_view what, std::string_view name)
{
  std::vector<std::string> names;
  for (const auto& [value, word] : all) {
    if (word == name) {
      return value;
    }
    names.emplace_back(word);
  }
  return fail(
    Kind::usage, "'{}' is no {}: there are {}", escaped(name, 64), what, join(names, ", "));
}

bool is_plain(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time, 0)) : Json();
}

// Throws what is no time, as json's own functions do.
Time time_of(const Json& json)
{
  return parse_rfc3339(json.get<std::string>()).value();
}

std::optional<Time> time_or_none(const Json& json)
{
  return json.is_null() ? std::nullopt : std::optional(time_of(json));
}

Artifact artifact_of(const Json& json)
{
  Artifact a;
  json.at("artifact_id").get_to(a.id);
  a.created_at = time_of(json.at("created_at"));
  json.at("created_by").get_to(a.by);
  json.at("task_id").get_to(a.task);
  json.at("title").get_to(a.title);
  a.form = form_called(json.at("kind").get<std::string>()).value();
  json.at("content_type").get_to(a.content_type);
  json.at("filename").get_to(a.file);
  a.audience = audience_called(json.at("audience").get<std::string>()).value();
  a.exposure = exposure_called(json.at("exposure").get<std::string>()).value();
  json.at("size_bytes").get_to(a.size);
  json.at("sha256").get_to(a.sha256);
  a.expires_at = time_or_none(json.at("expires_at"));
  a.revoked_at = time_or_none(json.at("revoked_at"));
  for (const auto& link : json.at("links")) {
    a.links.push_back(
      {link.at("id"), link.at("key"), time_of(link.at("expires_at")), link.at("by")});
  }
  return a;
}

} // namespace

std::string_view to_string(Form form)
{
  return name_in(k_forms, form);
}

std::string_view to_string(Audience audience)
{
  return name_in(k_audiences, audience);
}

std::string_view to_string(Exposure exposure)
{
  return name_in(k_exposures, exposure);
}

Result<Form> form_called(std::string_view name)
{
  return called(k_forms, "kind of artifact", name);
}

Result<Audience> audience_called(std::string_view name)
{
  return called(k_audiences, "audience", name);
}

Result<Exposure> exposure_called(std::string_view name)
{
  return called(k_exposures, "exposure", name);
}

bool is_artifact_id(std::string_view text)
{
  constexpr std::string_view k_prefix = "art_";
  constexpr std::size_t k_digits = 16;
  return text.starts_with(k_prefix) && text.size() == k_prefix.size() + k_digits &&
         text.find_first_not_of("0123456789abcdef", k_prefix.size()) == text.npos;
}

bool is_file_name(std::string_view text)
{
  constexpr std::size_t k_longest = 128;
  return !text.empty() && text.size() <= k_longest && text[0] != '.' && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), is_plain);
}

std::string file_name_of(std::string_view name, std::string_view content_type, Form form)
{
  constexpr std::size_t k_longest = 120;
  std::string file;
  for (const char c : name.substr(name.rfind('/') + 1)) {
    if (is_plain(c)) {
      file += c;
    } else if (!file.ends_with('-')) {
      file += '-';
    }
  }
  const auto begin = file.find_first_not_of(".-");
  const auto end = file.find_last_not_of(".-");
  file = begin == file.npos ? "" : file.substr(begin, end - begin + 1).substr(0, k_longest);
  if (!file.empty()) {
    return file;
  }
  const auto* known = std::find_if(k_types.begin(), k_types.end(), [&](const Type& one) {
    return one.type == content_type;
  });
  return "artifact" + std::string(known != k_types.end() ? known->ending
                                  : form == Form::report ? ".md"
                                                         : ".txt");
}

std::string content_type_of(std::string_view file_name, std::string_view content_begin)
{
  const auto name = lower(file_name);
  for (const auto& [ending, type] : k_types) {
    if (name.ends_with(ending)) {
      return std::string(type);
    }
  }
  // what was cut in the middle of a character is text all the same
  const auto begin =
    clipped(content_begin, content_begin.size() - std::min<std::size_t>(4, content_begin.size()));
  const bool is_text = is_utf8(begin) && begin.find('\0') == begin.npos;
  return is_text ? "text/plain; charset=utf-8" : "application/octet-stream";
}

bool is_content_type(std::string_view text)
{
  constexpr std::string_view k_charset = "; charset=utf-8";
  constexpr std::size_t k_longest = 100;
  if (text.ends_with(k_charset)) {
    text.remove_suffix(k_charset.size());
  }
  const auto slash = text.find('/');
  const auto is_token = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';
    });
  };
  return text.size() <= k_longest && slash != text.npos && is_token(text.substr(0, slash)) &&
         is_token(text.substr(slash + 1));
}

bool is_valid(const Artifact& artifact, Time now)
{
  return !artifact.revoked_at && (!artifact.expires_at || now < *artifact.expires_at);
}

std::string to_json(const Artifact& a)
{
  auto links = Json::array();
  for (const auto& link : a.links) {
    links.push_back({{"id", link.id}, {"key", link.key},
      {"expires_at", rfc3339(link.expires_at, 0)}, {"by", link.by}});
  }
  const Json json{{"artifact_id", a.id}, {"created_at", rfc3339(a.created_at, 0)},
    {"created_by", a.by}, {"task_id", a.task}, {"title", a.title}, {"kind", to_string(a.form)},
    {"content_type", a.content_type}, {"filename", a.file}, {"audience", to_string(a.audience)},
    {"exposure", to_string(a.exposure)}, {"size_bytes", a.size}, {"sha256", a.sha256},
    {"expires_at", json_of(a.expires_at)}, {"revoked_at", json_of(a.revoked_at)}, {"links", links},
    {"path", "content/" + a.sha256},
    {"link_path", a.exposure == Exposure::private_
                    ? Json()
                    : Json(fmt::format("/artifacts/{}/{}", a.id, a.file))}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Artifact> artifact_from_json(std::string_view text)
{
  try {
    auto artifact = artifact_of(Json::parse(text));
    if (!is_artifact_id(artifact.id) || !is_file_name(artifact.file) ||
        !is_content_type(artifact.content_type)) {
      return fail(Kind::bad_data, "not what conos-artifact writes");
    }
    return artifact;
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not what conos-artifact writes ({})", error.what());
  }
}

} // namespace conos::artifact
