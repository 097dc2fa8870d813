#include "artifact/artifact.hpp"
#include "artifact/link.hpp"
#include "artifact/service.hpp"
#include "artifact/store.hpp"
#include "sys/file.hpp"

#include "temp_dir.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace conos;
using namespace conos::artifact;

namespace {

const Time k_now = parse_rfc3339("2026-01-01T00:00:00Z").value();
constexpr auto k_hour = std::chrono::hours(1);

Result<> yes(const Artifact&)
{
  return {};
}

struct Place {
  Place() { std::filesystem::create_directory(dir.path + "/content"); }
  Store store() const { return Store::open(dir.path).value(); }
  Artifact add(Artifact artifact, std::string_view content) const
  {
    return store().add(std::move(artifact), memory_file(content).value(), yes).value();
  }
  TempDir dir;
};

Artifact sample(Exposure exposure = Exposure::link)
{
  Artifact artifact;
  artifact.created_at = k_now;
  artifact.by = "root";
  artifact.title = "A report";
  artifact.file = "report.md";
  artifact.exposure = exposure;
  return artifact;
}

Key sample_key(const char* id = "0000000a")
{
  return {id, k_now, Secret(std::string(64, 'a'))};
}

// One that has a link, and what a browser would send for it.
struct Linked {
  Artifact artifact;
  std::vector<Key> keys;
  std::string uri;
};

Linked linked(const Place& place, Artifact artifact = sample())
{
  Linked all;
  all.keys.push_back(sample_key());
  const Link link{"0123456789abcdef", "0000000a", k_now + k_hour, "root"};
  artifact.links.push_back(link);
  all.artifact = place.add(std::move(artifact), "text");
  all.uri = path_with(all.artifact, link, all.keys.front());
  return all;
}

} // namespace

TEST_CASE("words, names and types are held against their grammar", "[artifact]")
{
  CHECK(exposure_called("private").value() == Exposure::private_);
  CHECK(exposure_called("privat").error().kind == Kind::usage);
  CHECK(form_called("report").value() == Form::report);
  CHECK(audience_called("").error().kind == Kind::usage);
  CHECK(is_artifact_id("art_0123456789abcdef"));
  for (const auto* id : {"", "art_", "art_0123456789abcdeF", "art_0123456789abcde", "*",
         "art_0123456789abcdef/..", "../art_0123456789abcdef"}) {
    CHECK_FALSE(is_artifact_id(id));
  }
  CHECK(file_name_of("/tmp/My Report (1).md", "", Form::file) == "My-Report-1-.md");
  CHECK(file_name_of("../..", "", Form::report) == "artifact.md");
  CHECK(file_name_of("", "image/png", Form::file) == "artifact.png");
  CHECK(file_name_of("-rf", "", Form::file) == "rf");
  CHECK(file_name_of("\xc3\xa4\n", "", Form::file) == "artifact.txt");
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (auto n = random() % 40; n > 0; --n) {
      name += static_cast<char>(random() % 256);
    }
    CHECK(is_file_name(file_name_of(name, "", Form::file)));
  }
  CHECK(content_type_of("x.HTML", "") == "text/html; charset=utf-8");
  CHECK(content_type_of("x", "\x89PNG\xff\xff\xff\xff\xff\xff") == "application/octet-stream");
  CHECK(content_type_of("x", "words and words") == "text/plain; charset=utf-8");
  CHECK(is_content_type("text/plain; charset=utf-8"));
  for (const auto* type :
    {"", "text", "text/", "text/html\r\nX: y", "text/html; charset=x", "T/x"}) {
    CHECK_FALSE(is_content_type(type));
  }
}

TEST_CASE("what is kept is found again, its content once", "[artifact]")
{
  const Place place;
  const auto one = place.add(sample(), "same");
  const auto two = place.add(sample(Exposure::private_), "same");
  CHECK(one.sha256 == two.sha256);
  CHECK(one.id != two.id);
  CHECK(place.store().get(one.id).value().title == "A report");
  CHECK(to_json(place.store().get(two.id).value()) == to_json(two));
  CHECK(read_all(place.store().content(one).value(), 100).value() == "same");
  CHECK(place.store().get("art_0123456789abcdef").error().kind == Kind::not_found);
  CHECK(place.store().get("../x").error().kind == Kind::usage);
  CHECK(place.store().add(sample(), memory_file("").value(), yes).error().kind == Kind::bad_data);

  std::ofstream(place.dir.path + "/art_00000000000000ff.json") << "{";
  std::size_t trouble = 0;
  CHECK(place.store()
          .all([&](const Error&) {
            ++trouble;
          })
          .value()
          .size() == 2);
  CHECK(trouble == 1);
  CHECK(artifact_from_json("[]").error().kind == Kind::bad_data);
}

TEST_CASE("one is agreed to before there is anything to be seen of it", "[artifact]")
{
  const Place place;
  const auto store = place.store();
  const auto is_empty = [&] {
    const auto all = store.all([](const Error&) {});
    return all.value().empty() && std::filesystem::is_empty(place.dir.path + "/content");
  };
  std::vector<Artifact> heard;
  const auto no = [&](const Artifact& one) -> Result<> {
    CHECK(is_empty());
    heard.push_back(one);
    return fail(Kind::unavailable, "no");
  };

  const auto added = store.add(sample(), memory_file("text").value(), no);

  CHECK(added.error().kind == Kind::unavailable);
  REQUIRE(heard.size() == 1);
  CHECK(is_artifact_id(heard.front().id));
  CHECK(heard.front().size == 4);
  CHECK(is_empty());
}

TEST_CASE("what has ended goes, and its content when nobody has it any more", "[artifact]")
{
  const Place place;
  auto ends = sample();
  ends.expires_at = k_now + k_hour;
  const auto one = place.add(ends, "same");
  const auto two = place.add(sample(), "same");
  const auto other = place.add(ends, "other");
  const auto store = place.store();
  CHECK(store.clear(k_now, false).value().artifacts.empty());
  CHECK(store.clear(k_now + 2 * k_hour, true).value().artifacts.size() == 2);
  CHECK(store.get(one.id));
  const auto cleared = store.clear(k_now + 2 * k_hour, false).value();
  CHECK(cleared.artifacts.size() == 2);
  CHECK(cleared.contents == 1);
  CHECK(cleared.bytes == 5);
  CHECK_FALSE(store.get(one.id));
  CHECK(store.content(two));
  CHECK_FALSE(store.content(other));
}

TEST_CASE("of those who change one at once none is lost", "[artifact]")
{
  const Place place;
  const auto artifact = place.add(sample(), "x");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      (void)place.store().change(artifact.id, [](Artifact& a) -> Result<> {
        a.links.push_back({"", "", k_now, ""});
        return {};
      });
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(place.store().get(artifact.id).value().links.size() == 8);
}

TEST_CASE("a link shows its artifact until it ends", "[artifact][link]")
{
  const Place place;
  auto all = linked(place);
  const auto seen = judge(place.dir.path, all.uri, all.keys, k_now);
  CHECK(seen.status == 200);
  CHECK(seen.content == all.artifact.sha256);
  CHECK(seen.content_type == "text/markdown; charset=utf-8");
  CHECK(judge(place.dir.path, all.uri, all.keys, k_now + k_hour).status == 403);
  CHECK(judge(place.dir.path, all.uri, {}, k_now).status == 403);

  const auto changed = [&](const std::function<void(Artifact&)>& change) {
    REQUIRE(place.store().change(all.artifact.id, [&](Artifact& a) -> Result<> {
      change(a);
      return {};
    }));
    return judge(place.dir.path, all.uri, all.keys, k_now).status;
  };
  CHECK(changed([](Artifact& a) {
    a.exposure = Exposure::private_;
  }) == 403);
  CHECK(changed([](Artifact& a) {
    a.exposure = Exposure::dashboard_local;
  }) == 200);
  CHECK(changed([](Artifact& a) {
    a.expires_at = k_now;
  }) == 403);
  CHECK(changed([](Artifact& a) {
    a.expires_at.reset();
  }) == 200);
  CHECK(changed([](Artifact& a) {
    a.revoked_at = k_now;
  }) == 403);
  CHECK(changed([](Artifact& a) {
    a.revoked_at.reset();
  }) == 200);
  CHECK(changed([](Artifact& a) {
    a.sha256 = std::string(64, '0');
  }) == 403); // another content
  CHECK(changed([&](Artifact& a) {
    a.sha256 = all.artifact.sha256;
    a.links.clear();
  }) == 403);
}

TEST_CASE("a link that is changed in any byte shows nothing", "[artifact][link]")
{
  const Place place;
  const auto all = linked(place);
  std::size_t tried = 0;
  for (std::size_t i = 0; i < all.uri.size(); ++i) {
    for (const char c : {'0', 'f', 'A', '/', '.', '%', '&', '=', '?', '\0', '\n', ' '}) {
      auto uri = all.uri;
      if (uri[i] != c) {
        uri[i] = c;
        CHECK(judge(place.dir.path, uri, all.keys, k_now).status != 200);
        ++tried;
      }
    }
    auto shorter = all.uri;
    CHECK(judge(place.dir.path, shorter.erase(i, 1), all.keys, k_now).status != 200);
  }
  CHECK(tried > 1000);
}

TEST_CASE("there is one way to ask", "[artifact][link]")
{
  const Place place;
  const auto all = linked(place);
  const auto id = all.artifact.id;
  const auto query = all.uri.substr(all.uri.find('?'));
  const auto status = [&](const std::string& uri) {
    return judge(place.dir.path, uri, all.keys, k_now).status;
  };
  CHECK(status("/artifacts/" + id + "/report.md") == 401);
  CHECK(status("/artifacts/" + id + "/other.md" + query) == 403);
  for (const auto& path : {"/artifacts/./" + id + "/report.md", "/artifacts//" + id + "/report.md",
         "/artifacts/%61rt" + id.substr(3) + "/report.md", "/artifacts/x/../" + id + "/report.md",
         "/artifacts/" + id + "/report.md/", "/artifacts/" + id + "/../" + id + "/report.md",
         "/artifacts/" + id + "/.report.md", "/ARTIFACTS/" + id + "/report.md",
         "http://host/artifacts/" + id + "/report.md", std::string("/artifacts/"), std::string()}) {
    INFO(path);
    CHECK(status(path + query) == 400);
  }
  CHECK(status(all.uri + "&sig=" + std::string(64, '0')) == 401);
  CHECK(status(all.uri + "&x=y") == 401);
  CHECK(status(all.uri + "&") == 401);
  CHECK(status(all.uri + "#x") == 401);
  CHECK(status("/artifacts/" + id + "/report.md?exp=1") == 401);
  CHECK(status("/artifacts/" + id + "/report.md?" + std::string(2000, 'x')) == 400);
}

TEST_CASE("keys change, and the former verify as long as they are kept", "[artifact][link]")
{
  TempDir dir;
  const auto first = find_or_make_keys(dir.path).value();
  REQUIRE(first.size() == 1);
  CHECK(find_or_make_keys(dir.path).value().front().id == first.front().id);
  const auto second = rotate_keys(dir.path, 1).value();
  REQUIRE(second.size() == 2);
  CHECK(second[1].id == first[0].id);
  CHECK(second[0].id != first[0].id);
  CHECK(rotate_keys(dir.path, 1).value()[1].id == second[0].id);
  CHECK(rotate_keys(dir.path, 0).value().size() == 1);
  struct stat st = {};
  REQUIRE(::stat((dir.path + "/" + k_keys_file).c_str(), &st) == 0);
  CHECK((st.st_mode & 0777U) == 0600);
  CHECK(keys_from_text("").value().empty());
  CHECK(keys_from_text("x").error().kind == Kind::bad_data);
}
