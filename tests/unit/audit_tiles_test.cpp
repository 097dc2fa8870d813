#include "audit/tiles.hpp"

#include "audit/seal.hpp"
#include "audit_samples.hpp"

#include <algorithm>

using namespace conos;
using namespace conos::audit;

namespace {

namespace fs = std::filesystem;

SignedCheckpoint seal_in(const TempDir& dir)
{
  const Journal none;
  return seal(dir.path, "root/conos-audit", none).value().newest;
}

std::vector<std::string> files_in(const std::string& dir)
{
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) {
      files.push_back(fs::relative(entry.path(), dir).string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

TEST_CASE("an export has the files of c2sp.org/tlog-tiles", "[audit][tiles]")
{
  TempDir dir;
  TempDir out;
  (void)make_ledger(dir, 600);
  const auto checkpoint = seal_in(dir);
  const auto key = find_verifier_key(dir.fd).value().value();

  REQUIRE(export_tiles(database_in(dir), checkpoint, out.path + "/log"));

  CHECK(files_in(out.path + "/log") ==
        std::vector<std::string>{"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88",
          "tile/1/000.p/2", "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"});
  CHECK(fs::file_size(out.path + "/log/tile/0/000") == 8192);
  CHECK(fs::file_size(out.path + "/log/tile/entries/002.p/88") == 88 * 34);
  const auto verdict = verify_tiles(out.path + "/log", key).value();
  CHECK_FALSE(verdict.bad);
  CHECK(verdict.rows == 600);
  CHECK(verdict.root == checkpoint.checkpoint.root);

  REQUIRE(
    Ledger::open(dir.path).value().append(std::vector<Row>(200, Row{"a.b", "root", "{}", ""})));
  REQUIRE(export_tiles(database_in(dir), seal_in(dir), out.path + "/log"));
  CHECK_FALSE(verify_tiles(out.path + "/log", key).value().bad);
  CHECK(fs::exists(out.path + "/log/tile/0/003.p/33"));
}

TEST_CASE("a complete tile has its own full tile above", "[audit][tiles]")
{
  TempDir dir;
  TempDir out;
  (void)make_ledger(dir, 256);
  REQUIRE(export_tiles(database_in(dir), seal_in(dir), out.path));
  CHECK(files_in(out.path) ==
        std::vector<std::string>{"checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"});
}

TEST_CASE("an export that was changed names the row", "[audit][tiles]")
{
  TempDir dir;
  TempDir out;
  (void)make_ledger(dir, 300);
  REQUIRE(export_tiles(database_in(dir), seal_in(dir), out.path));
  const auto key = find_verifier_key(dir.fd).value().value();
  const auto flip = [&](const std::string& name, std::size_t at) {
    auto bytes = read_path(out.path + "/" + name, 1U << 20U).value();
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    const auto place = open_dir(fs::path(out.path + "/" + name).parent_path().string()).value();
    REQUIRE(replace(place, fs::path(name).filename().string(), bytes, 0644));
  };
  const auto bad = [&] {
    return verify_tiles(out.path, key).value().bad;
  };

  SECTION("an entry")
  {
    flip("tile/entries/001.p/44", 34 * 4 + 2);
    CHECK(bad()->id == 261);
  }
  SECTION("a hash")
  {
    flip("tile/0/000", 32 * 9 + 31);
    CHECK(bad()->id == 10);
  }
  SECTION("a hash above")
  {
    flip("tile/1/000.p/1", 0);
    CHECK(bad()->id == 1);
  }
  SECTION("a length")
  {
    flip("tile/entries/000", 1);
    CHECK(bad()->id == 1);
  }
  SECTION("the checkpoint")
  {
    flip("checkpoint", read_path(out.path + "/checkpoint", 1000).value().find("\n300\n") + 2);
    CHECK(bad());
  }
  SECTION("a file is missing")
  {
    fs::remove(out.path + "/tile/entries/001.p/44");
    CHECK(bad()->id == 257);
  }
  SECTION("the checkpoint is missing")
  {
    fs::remove(out.path + "/checkpoint");
    CHECK(bad());
  }
}

TEST_CASE("a ledger that is not the checkpoint's is not exported", "[audit][tiles]")
{
  TempDir dir;
  TempDir other;
  TempDir out;
  (void)make_ledger(dir, 30);
  (void)make_ledger(other, 20);
  const auto checkpoint = seal_in(dir);

  CHECK(export_tiles(database_in(other), checkpoint, out.path).error().kind == Kind::bad_data);
  tamper(database_in(dir), "UPDATE events SET hash=zeroblob(32) WHERE id=3");
  CHECK(export_tiles(database_in(dir), checkpoint, out.path).error().kind == Kind::bad_data);
  CHECK(files_in(out.path).empty());
}
