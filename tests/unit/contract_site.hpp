#pragma once

#include "contract/evaluate.hpp"
#include "contract/load.hpp"
#include "temp_dir.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sys/stat.h>

namespace conos::contract {

// A directory with contracts in it, and their evaluation.
struct ContractSite : TempDir {
  // A file that is a contract of these checks.
  void contract(const std::string& id, const std::string& checks, const std::string& more = "")
  {
    file(id + ".yaml", fmt::format("id: {}\ndescription: x\n{}checks:\n{}", id, more, checks));
  }

  std::string file(const std::string& name, const std::string& text) const
  {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }

  Report run(const EvaluateOptions& options = {}) const
  {
    auto loaded = load({path});
    REQUIRE(loaded);
    auto report = evaluate(std::make_shared<const Loaded>(std::move(*loaded)), options);
    if (!report) {
      FAIL(report.error().text());
    }
    return std::move(*report);
  }

  // The row of one check in a contract of its own: "file: { path: /x }".
  Row row(const std::string& check)
  {
    contract("X", "  - name: a\n    " + check + "\n");
    m_last = run();
    for (const auto& one : m_last.rows) {
      if (one.id() == "X" || one.invalid != nullptr) {
        return one;
      }
    }
    return {};
  }

  // "pass", or "fail: MESSAGE".
  std::string outcome(const std::string& check)
  {
    const auto one = row(check);
    return std::string(name_of(one.status)) + (one.message.empty() ? "" : ": " + one.message);
  }

  bool passes(const std::string& check) { return row(check).status == Status::pass; }
  bool fails(const std::string& check) { return row(check).status == Status::fail; }

private:
  Report m_last;
};

inline const Row& row_of(const Report& report, const std::string& label)
{
  for (const auto& row : report.rows) {
    if (std::string(row.id()) + "/" + std::string(row.name()) == label) {
      return row;
    }
  }
  FAIL("no row " + label);
  return report.rows.front();
}

} // namespace conos::contract
