#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What an agent or a person made and others are to see: a file, and what is known of it.
namespace conos::artifact {

enum class Form { file, report, data, image, archive };
enum class Audience { user, operator_, public_ };
// Who comes to it: nobody by the web server, whoever has a link, or the status page's readers too.
enum class Exposure { private_, link, dashboard_local };

std::string_view to_string(Form form);
std::string_view to_string(Audience audience);
std::string_view to_string(Exposure exposure);

// Kind::usage with the words there are.
Result<Form> form_called(std::string_view name);
Result<Audience> audience_called(std::string_view name);
Result<Exposure> exposure_called(std::string_view name);

// A link that was given out. Its signature is nowhere kept.
struct Link {
  std::string id;  // 16 hex digits
  std::string key; // by which it is signed
  Time expires_at;
  std::string by;
};

struct Artifact {
  std::string id; // "art_" and 16 hex digits
  Time created_at;
  std::string by;   // the account that made it
  std::string task; // because of which; empty: none
  std::string title;
  Form form = Form::file;
  std::string content_type; // RFC 9110, "text/markdown; charset=utf-8"
  std::string file;         // its name; is_file_name
  Audience audience = Audience::user;
  Exposure exposure = Exposure::private_;
  std::size_t size = 0;
  std::string sha256;             // of the content, 64 hex digits
  std::optional<Time> expires_at; // nothing: it stays
  std::optional<Time> revoked_at;
  std::vector<Link> links; // that were given out
};

bool is_artifact_id(std::string_view text);
bool is_file_name(std::string_view text); // ^[A-Za-z0-9_][A-Za-z0-9._-]*$, at most 128 characters

// A file name made of what somebody called it: the last part of a path, with whatever is no letter,
// digit, '.', '_' or '-' in it become '-'.
std::string file_name_of(std::string_view name, std::string_view content_type, Form form);

// By the file's name; else text or bytes, as `content_begin` looks.
std::string content_type_of(std::string_view file_name, std::string_view content_begin);
// "type/subtype" with at most a charset.
bool is_content_type(std::string_view text);

// Neither expired nor revoked.
bool is_valid(const Artifact& artifact, Time now);

std::string to_json(const Artifact& artifact);
Result<Artifact> artifact_from_json(std::string_view text); // Kind::bad_data

} // namespace conos::artifact
