#include "web/files.hpp"

#include "sys/address.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace conos::web {

namespace {

// What holds of every answer. The page has a stricter policy of its own, for its style sheet; both
// are kept.
std::map<std::string, std::string> usual_headers()
{
  return {
    {"Cache-Control", "private, no-cache"},
    {"Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
  };
}

Answer refusal(int status, std::string_view words)
{
  Answer answer{status, usual_headers(), std::string(words) + "\n"};
  answer.headers["Content-Type"] = "text/plain; charset=utf-8";
  return answer;
}

// As RFC 9110 has it: "Sat, 21 Nov 2026 16:45:34 GMT".
std::string http_date(std::time_t time)
{
  std::tm parts{};
  (void)::gmtime_r(&time, &parts);
  std::string text(64, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return text;
}

// Whether the browser has it already. Each page is another file (a new inode), so the tag names one
// content.
bool has_it(const Asked& asked, const std::string& tag, const std::string& date)
{
  if (asked.if_none_match.empty()) {
    return asked.if_modified_since == date;
  }
  const auto tags = split(asked.if_none_match, ',');
  return std::any_of(tags.begin(), tags.end(), [&](std::string_view one) {
    one = trimmed(one);
    one.remove_prefix(one.starts_with("W/") ? 2 : 0);
    return one == "*" || one == tag;
  });
}

Answer serve_file(const Site& site, const Served& served, const Asked& asked)
{
  const auto dir = open_dir(site.directory);
  auto file =
    dir ? open_beneath(*dir, served.file) : Result<UniqueFd>(tl::unexpected<Error>(dir.error()));
  const auto status =
    file ? stat_of(*file) : Result<struct stat>(tl::unexpected<Error>(file.error()));
  if (!status && status.error().kind == Kind::not_found) {
    return refusal(404, "There is no page yet.");
  }
  if (!status || !S_ISREG(status->st_mode)) {
    return refusal(500, "The page cannot be read.");
  }
  const auto tag = fmt::format("\"{:x}-{:x}-{:x}\"", status->st_ino,
    static_cast<unsigned long>(status->st_mtim.tv_sec) * 1'000'000'000UL +
      static_cast<unsigned long>(status->st_mtim.tv_nsec),
    static_cast<unsigned long>(status->st_size));
  const auto date = http_date(status->st_mtim.tv_sec);
  Answer answer{200, usual_headers()};
  answer.headers["ETag"] = tag;
  answer.headers["Last-Modified"] = date;
  if (has_it(asked, tag, date)) {
    answer.status = 304;
    return answer;
  }
  answer.headers["Content-Type"] = served.type;
  answer.file = std::move(*file);
  answer.size = static_cast<std::size_t>(status->st_size);
  return answer;
}

bool is_port(std::string_view text)
{
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
}

} // namespace

bool is_known_host(std::string_view host, const std::vector<std::string>& names)
{
  const bool is_v6 = host.starts_with('[');
  const auto end = is_v6 ? host.find(']') : host.find(':');
  const auto name = lower(host.substr(is_v6 ? 1 : 0, is_v6 && end != host.npos ? end - 1 : end));
  auto rest = end == host.npos ? std::string_view() : host.substr(end + (is_v6 ? 1 : 0));
  if ((is_v6 && end == host.npos) || (!rest.empty() && !rest.starts_with(':'))) {
    return false;
  }
  rest.remove_prefix(rest.empty() ? 0 : 1);
  if (!is_port(rest)) {
    return false;
  }
  const auto address = parse_address(name);
  if (address || is_v6) {
    return address && address->is_v6 == is_v6;
  }
  return name == "localhost" ||
         std::any_of(names.begin(), names.end(), [&](const std::string& own) {
           return !name.empty() && lower(own) == name;
         });
}

Answer answer(const Site& site, const Asked& asked)
{
  if (asked.method != "GET" && asked.method != "HEAD") {
    auto refused = refusal(405, "Only GET and HEAD.");
    refused.headers["Allow"] = "GET, HEAD";
    return refused;
  }
  if (asked.host.empty()) {
    return refusal(400, "Which host?");
  }
  if (!is_known_host(asked.host, site.names)) {
    return refusal(421, "This machine is asked for by its address, its own name or as localhost.");
  }
  const auto found = std::find_if(site.files.begin(), site.files.end(), [&](const Served& served) {
    return served.path == asked.path;
  });
  return found == site.files.end() ? refusal(404, "There is nothing of that name.")
                                   : serve_file(site, *found, asked);
}

} // namespace conos::web
