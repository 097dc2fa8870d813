#pragma once

#include "sys/file.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace conos {

// A fresh directory, removed with everything in it at the end of the test.
struct TempDir {
  TempDir()
  {
    std::string form = (std::filesystem::temp_directory_path() / "conos-test-XXXXXX").string();
    REQUIRE(::mkdtemp(form.data()) != nullptr);
    path = form;
    auto opened = open_dir(path);
    REQUIRE(opened);
    fd = std::move(*opened);
  }
  ~TempDir()
  {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path;
  UniqueFd fd;
};

} // namespace conos
