// page - feeds the status page and who serves it what nobody would send
//
//   page SECONDS SEED CORPUS...   texts to be shown, states, samples, heads of requests
#include "fuzz.hpp"
#include "health/state.hpp"
#include "page/html.hpp"
#include "page/samples.hpp"
#include "sys/text.hpp"
#include "web/files.hpp"

#include <string_view>

namespace {

using namespace conos;

const std::vector<std::string> k_pieces{"<", ">", "&", "\"", "'", "&lt;", "</bdi>", "<script>",
  "\" onload=\"", "<!--", "\\x1b", "\\", std::string(1, '\0'), "\x1b[2J", "\xff", "\xc0\xaf",
  "\xed\xa0\x80", "\xe2\x80\xae", "\xd8\x9c", "\t", "\n", "-", "0", "99999999999999999999",
  "localhost", "127.0.0.1", "[::1]", ":8080", ".evil.com", "[", "]", "/../", "%2e", "GET", "{", "}",
  "\"checks\":", "null", "1e999", std::string(5000, 'a')};

void must(bool holds, const char* what)
{
  if (!holds) {
    fmt::print(stderr, "page: {}\n", what);
    std::abort();
  }
}

bool has_control(std::string_view text)
{
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
}

// Whatever a text is, the markup around it stays the same.
std::size_t as_text(const std::string& text)
{
  const auto markup =
    page::element("p", {{"class", text}}, {page::Html(text), page::foreign(text, 100)}).markup();
  must(std::count(markup.begin(), markup.end(), '<') == 4, "a text made an element");
  must(std::count(markup.begin(), markup.end(), '>') == 4, "a text ended an element");
  must(std::count(markup.begin(), markup.end(), '"') == 2, "a text left its attribute");
  must(!has_control(markup) && is_utf8(markup), "a text could act on who reads it");
  return markup.size();
}

std::size_t as_files(const std::string& text)
{
  std::size_t seen = 0;
  if (const auto samples = page::samples_from_text(text)) {
    const auto again = page::samples_from_text(page::to_text(*samples));
    must(again && *again == *samples, "samples that are written are others");
    seen += samples->size();
  }
  if (const auto state = health::state_from_json(text)) {
    const auto written = health::to_json(*state);
    const auto again = health::state_from_json(written);
    must(again && health::to_json(*again) == written, "a state that is written is another");
    seen += written.size();
  }
  return seen;
}

// A method, a path and a host, in lines.
std::size_t as_request(const std::string& text)
{
  auto lines = split(text, '\n');
  lines.resize(3);
  const std::vector<std::string> names{"conos"};
  const web::Site site{"/nonexistent", {{"/", "index.html", "text/html"}}, names};
  if (web::is_known_host(lines[2], names)) {
    const auto host = lower(lines[2]);
    must(host.starts_with("localhost") || host.starts_with("conos") ||
           host.find_first_not_of("0123456789abcdef.:[]") == host.npos,
      "a stranger's name is known");
  }
  const auto answer = web::answer(site, {lines[0], lines[1], lines[2], lines[2], lines[1]});
  must(!answer.file && answer.status >= 400 && answer.status < 500, "there is an answer");
  return answer.body.size();
}

std::size_t read_all_ways(const std::string& text)
{
  return as_text(text) + as_files(text) + as_request(text);
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::fuzz::run(argc, argv, {"page", k_pieces, read_all_ways});
}
