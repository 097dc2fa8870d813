#include "contract/checks/look.hpp"
#include "sys/text.hpp"

#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace conos::contract {

namespace {

// libnftables, taken in when it is first wanted: it and what it brings along take longer to load
// than a thousand checks, and few machines have a contract about it.
struct Library {
  decltype(&::nft_ctx_new) make = nullptr;
  decltype(&::nft_ctx_free) free = nullptr;
  decltype(&::nft_ctx_buffer_output) keep_output = nullptr;
  decltype(&::nft_ctx_buffer_error) keep_errors = nullptr;
  decltype(&::nft_ctx_get_output_buffer) output = nullptr;
  decltype(&::nft_ctx_get_error_buffer) errors = nullptr;
  decltype(&::nft_run_cmd_from_buffer) run = nullptr;
};

template<class Function>
bool find(void* handle, const char* name, Function& into)
{
  into = reinterpret_cast<Function>(::dlsym(handle, name));
  return into != nullptr;
}

Result<Library> load_library()
{
  void* handle = ::dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL); // for as long as we live
  if (handle == nullptr) {
    return fail(Kind::unavailable, "there is no libnftables here (package libnftables1)");
  }
  Library out;
  const bool good = find(handle, "nft_ctx_new", out.make) &&
                    find(handle, "nft_ctx_free", out.free) &&
                    find(handle, "nft_ctx_buffer_output", out.keep_output) &&
                    find(handle, "nft_ctx_buffer_error", out.keep_errors) &&
                    find(handle, "nft_ctx_get_output_buffer", out.output) &&
                    find(handle, "nft_ctx_get_error_buffer", out.errors) &&
                    find(handle, "nft_run_cmd_from_buffer", out.run);
  if (!good) {
    return fail(Kind::unavailable, "libnftables lacks what is needed");
  }
  return out;
}

bool is_table_name(std::string_view name)
{
  constexpr std::array<std::string_view, 6> k_families{
    "inet", "ip", "ip6", "arp", "bridge", "netdev"};
  const auto space = name.find(' ');
  if (space == name.npos || space + 1 == name.size()) {
    return false;
  }
  const auto family = name.substr(0, space);
  const auto table = name.substr(space + 1);
  return std::find(k_families.begin(), k_families.end(), family) != k_families.end() &&
         std::all_of(table.begin(), table.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '/';
         });
}

std::int64_t number_after(std::string_view text, std::string_view word)
{
  std::int64_t value = 0;
  const auto at = text.find(word);
  if (at != text.npos) {
    const auto digits = text.substr(at + word.size());
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), value);
  }
  return value;
}

Subject subject_of(const Look& look, const Table* table)
{
  const auto& params = look.params();
  const auto chain = params.text("chain");
  Subject subject;
  subject.name = fmt::format("table '{}'", escaped(params.text("table"), 100));
  subject.exists = table != nullptr;
  if (table == nullptr) {
    return subject;
  }
  if (!chain.empty()) {
    subject.name += fmt::format(" chain '{}'", escaped(chain, 100));
    subject.exists =
      std::find(table->chains.begin(), table->chains.end(), chain) != table->chains.end();
  }
  const auto* wanted = params.pattern("rule");
  std::int64_t count = 0;
  std::int64_t packets = 0;
  std::int64_t bytes = 0;
  for (const auto& rule : table->rules) {
    const bool fits =
      (chain.empty() || rule.chain == chain) && (wanted == nullptr || is_found(*wanted, rule.text));
    count += fits ? 1 : 0;
    packets += fits ? rule.packets : 0;
    bytes += fits ? rule.bytes : 0;
  }
  if (wanted != nullptr) {
    subject.name = fmt::format("rule '{}' in {}", escaped(wanted->pattern(), 200), subject.name);
    // asked how many there are, none is an answer
    subject.exists = count > 0 || (look.asks("count") && subject.exists);
  }
  subject.add("count", count);
  subject.add("packets", packets);
  subject.add("bytes", bytes);
  return subject;
}

} // namespace

Table table_in(std::string_view listing)
{
  Table out;
  std::string chain;
  int depth = 0;
  for (const auto raw : split(listing, '\n')) {
    const auto line = trimmed(raw);
    if (line.ends_with('{')) {
      ++depth;
      if (depth == 2 && line.starts_with("chain ")) {
        chain = trimmed(line.substr(6, line.size() - 7));
        out.chains.push_back(chain);
      }
      continue;
    }
    if (line == "}") {
      --depth;
      chain = depth < 2 ? "" : chain;
      continue;
    }
    const bool is_head = line.starts_with("type ") && line.find(" hook ") != line.npos;
    if (depth == 2 && !chain.empty() && !line.empty() && !is_head) {
      out.rules.push_back({chain, std::string(line), number_after(line, "counter packets "),
        number_after(
          line.substr(std::min(line.find("counter packets "), line.size())), " bytes ")});
    }
  }
  return out;
}

Result<std::optional<std::string>> list_table(const std::string& name)
{
  if (!is_table_name(name)) {
    return fail(Kind::bad_data, "'{}' is not like 'inet NAME'", escaped(name, 100));
  }
  static const auto library = load_library();
  if (!library) {
    return tl::unexpected(library.error());
  }
  const std::unique_ptr<nft_ctx, decltype(library->free)> context(
    library->make(NFT_CTX_DEFAULT), library->free);
  if (!context || library->keep_output(context.get()) != 0 ||
      library->keep_errors(context.get()) != 0) {
    return fail(Kind::os, "libnftables could not be set up");
  }
  if (library->run(context.get(), ("list table " + name).c_str()) == 0) {
    return std::string(library->output(context.get()));
  }
  const std::string_view errors = library->errors(context.get());
  if (errors.find("No such file") != errors.npos) {
    return std::nullopt;
  }
  const auto line = errors.substr(0, errors.find('\n'));
  const bool is_denied = errors.find("not permitted") != errors.npos;
  return fail(is_denied ? Kind::denied : Kind::os, "list table '{}': {}", name, escaped(line));
}

Outcome look_at_firewall(const Look& look)
{
  const auto table = look.machine.table(look.params().text("table"));
  if (!table) {
    return Outcome::broken(table.error().text());
  }
  return judge(look, {subject_of(look, table->get())});
}

} // namespace conos::contract
