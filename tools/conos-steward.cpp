// conos-steward - answer an agent's task without a language model
#include "cli/tool.hpp"
#include "facts/facts.hpp"
#include "steward/steward.hpp"
#include "sys/fd.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace conos;

constexpr std::size_t k_max_prompt_bytes = 16U << 20U;

// The file claim wrote for officers and operators; a worker has none.
std::optional<Facts> facts_given()
{
  const char* path = std::getenv("CONOS_FACTS");
  if (path == nullptr || *path == '\0') {
    return std::nullopt;
  }
  const auto text = read_path(path, k_max_facts_bytes);
  auto facts = text ? facts_from_json(*text) : tl::unexpected<Error>(text.error());
  if (!facts) {
    log::warning("go on without facts: {}", facts.error().text());
    return std::nullopt;
  }
  return std::move(*facts);
}

Result<cli::Exit> answer(const cli::Args&)
{
  CONOS_TRY(const auto prompt, read_all(UniqueFd(::dup(STDIN_FILENO)), k_max_prompt_bytes));
  const auto text = steward::answer(prompt, facts_given());
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
  return cli::Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-steward",
      .purpose = "answer an agent's task without a language model",
      .verbs = {{"", "", "", {}, answer}},
      .section = "8",
    });
}
