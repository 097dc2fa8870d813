// conos-secret - keep the machine's secrets, encrypted and never shown again
#include "cli/ask.hpp"
#include "cli/tool.hpp"
#include "plan/secrets.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

Result<Secret> read_or_ask(const std::string& name)
{
  (void)::prctl(PR_SET_DUMPABLE, 0); // a crash must not write it to a core file
  if (::isatty(STDIN_FILENO) == 1) {
    return cli::ask_secret("Secret '" + name + "' (is not shown): ");
  }
  const UniqueFd input(::dup(STDIN_FILENO));
  return read_secret(input, k_max_secret_bytes + 1) // and its newline
    .map_error(during("the secret"));
}

// What to do now, where conos.toml says what the secret is for; a comfort, so nothing fails over
// it.
std::string hint_after(const std::string& name)
{
  const auto text = read_path(plan::k_config_path, config::k_max_config_bytes);
  const auto config = text ? config::check(*text).config : std::nullopt;
  const auto hint = config ? plan::next_step(*config, name) : "";
  return hint.empty() ? "" : hint + "\n";
}

Result<Exit> set(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& name = args.operands.front();
  CONOS_CHECK(check_credential_name(name));
  const plan::Place place;
  CONOS_TRY(const auto secret, read_or_ask(name));
  CONOS_CHECK(check_secret(secret)); // before a ledger is made for it
  CONOS_TRY(auto ledger, audit::Ledger::open(place.site.lib));
  CONOS_CHECK(plan::set_secret(plan::credstore_of(place), ledger, name, secret));
  print(name + " is set\n" + hint_after(name));
  return Exit::ok;
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto all, list_credentials(plan::credstore_of(plan::Place())));
  for (const auto& one : all) {
    print(args.has("json")
            ? fmt::format("{{\"bytes\":{},\"name\":\"{}\",\"set_at\":\"{}\"}}\n", one.bytes,
                one.name, rfc3339(one.set_at, 0))
            : fmt::format("{:<24} {}  {:>6}\n", one.name, rfc3339(one.set_at, 0), one.bytes));
  }
  return Exit::ok;
}

Result<Exit> forget(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& name = args.operands.front();
  CONOS_CHECK(check_credential_name(name));
  const plan::Place place;
  CONOS_TRY(auto ledger, audit::Ledger::open(place.site.lib));
  CONOS_CHECK(plan::remove_secret(plan::credstore_of(place), ledger, name));
  print(name + " is removed\n");
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-secret",
      .purpose = "keep the machine's secrets, encrypted and never shown again",
      .verbs =
        {
          {"set", "keep what is read from standard input or typed", "NAME", {}, set},
          {"list", "name the secrets, when they were set and how large they are", "",
            {{"json", "print JSON lines"}}, list},
          {"remove", "forget a secret", "NAME", {}, forget},
        },
      .section = "8",
    });
}
