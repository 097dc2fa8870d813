# shellcheck shell=bash
# For tests of what calls a language model: a server on this computer that plays its provider by
# script (tests/fakes/provider), in the machine's own network; there is no Python in the machine.
. "${BASH_SOURCE[0]%/*}/lib.sh"

provider_key=sk-test-0123456789abcdef

scripts() { echo "$(machine root)/srv/scripts"; }

provider_is_on()
{
  m curl -sf http://127.0.0.1:8999/health >/dev/null 2>&1
}

# It stays until the machine goes. What it was asked is in the file it_was_asked prints.
need_provider()
{
  mkdir -p "$(scripts)"
  provider_is_on && return
  local leader
  leader=$("$machine_tool" status "$machine_name" | sed -n 's/.*PID 1 is \([0-9]*\),.*/\1/p')
  setsid nsenter --target "$leader" --net -- "$source_dir/tests/fakes/provider" \
    --scripts "$(scripts)" --port 8999 --key "$provider_key" --log "$(it_was_asked)" \
    >/dev/null 2>&1 </dev/null &
  wait_for provider_is_on
}

it_was_asked() { echo "$(scripts).log"; }

# Tables of conos.toml for it, one for each protocol: anthropic-like and openai-like. Keys are set.
need_providers()
{
  need_provider
  grep -q anthropic-like "$(machine root)/etc/conos/conos.toml" && return
  local api
  for api in anthropic openai; do
    printf '%s\n' '' "[providers.$api-like]" "api = \"$api\"" 'base_url = "http://127.0.0.1:8999"' \
      'prices = { input = 1.0, output = 2.0 }'
    m conos secret set "$api-like" <<<"$provider_key" >&2
  done | configure >&2
}

# What it answers when MODEL is asked for, LINES (of a script) at the first time, and so on.
says() # MODEL LINES [LINES...]
{
  local dir new n=0 lines
  dir=$(scripts)/$1
  new=$(mktemp -d "$(scripts)/.XXXXXX")
  for lines in "${@:2}"; do
    n=$((n + 1))
    printf '%s\n' "$lines" >"$new/$n"
  done
  rm -rf "$dir"
  mv "$new" "$dir"
}
