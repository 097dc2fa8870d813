# shellcheck shell=bash
# For tests of what goes out through an egress door: servers on this computer (tests/fakes/web), in
# the machine's own network, which the machine knows by names of its own.
. "${BASH_SOURCE[0]%/*}/lib.sh"

# The names of the web, and one that nobody allows.
web_names='web.test a.web.test other.test'

web_log() { echo "$(machine root)/srv/web.log"; }

web_is_on()
{
  m curl -sf http://127.0.0.2/ >/dev/null 2>&1
}

# It stays until the machine goes: HTTP on 80, TLS on 443 and 8443, an echo on 9000, a name server.
need_web()
{
  web_is_on && return
  m sh -c 'echo "127.0.0.2 $1" >>/etc/hosts; echo nameserver 127.0.0.1 >/etc/resolv.conf' - "$web_names"
  local leader
  leader=$("$machine_tool" status "$machine_name" | sed -n 's/.*PID 1 is \([0-9]*\),.*/\1/p')
  setsid nsenter --target "$leader" --net -- "$source_dir/tests/fakes/web" --address 127.0.0.2 \
    --http 80 --https 443 --https 8443 --raw 9000 --dns --log "$(web_log)" >/dev/null 2>&1 </dev/null &
  wait_for web_is_on
}

# Lines of the server's log that came since, as many as `heard_before` said there were.
heard_before() { wc -l <"$(web_log)"; }
heard_since() # LINES
{
  tail -n "+$(($1 + 1))" "$(web_log)"
}

# Rows of the ledger about a task.
rows() # TYPE ID
{
  m conos-audit tail --json --type "$1" -n 200 | jq -c "select(.payload.id == \"$2\") | .payload"
}

has_row() # TYPE ID
{
  [[ -n $(rows "$1" "$2") ]]
}

# A task for an agent whose program it is, and the receipt with its answer.
ask() # AGENT LINE...
{
  receipt "$(new_task --to "$1" "$(script "${@:2}")")" 60s
}
