# shellcheck shell=bash
# For tests of what agents ask for at their gates.
. "${BASH_SOURCE[0]%/*}/lib.sh"

agents=/srv/conos/agents

# An agent whose program is the text of its task below a line "#!script", and which else answers with
# what it was told; with lines of TOML.
asking_agent() # NAME [LINE...]
{
  [[ -d $(machine root)$agents/$1 ]] && return
  # shellcheck disable=SC2016 # the agent's own
  agent "$1" 'attempts = 1' 'runner = "/bin/bash"' "runner_args = [\"-c\", '''
text=\$(cat)
case \$text in
*\"#!script\"*) sed \"1,/^#!script\\\$/d\" <<<\"\$text\" | bash 2>&1 ;;
*) printf %s \"\$text\" ;;
esac''']" "${@:2}" >&2
}

# What such an agent prints when it runs these lines.
as_agent() # NAME LINE...
{
  local ended
  ended=$(receipt "$(new_task --to "$1" "$(script "${@:2}")")" 120s)
  field .answer <<<"$ended"
}

# The same for one `conos ask`, with its status behind.
asks() # NAME WORD...
{
  local words=''
  if (($# > 1)); then printf -v words '%q ' "${@:2}"; fi
  as_agent "$1" "conos ask $words; echo \"status \$?\""
}

# The id of the request a person is asked about.
request_in() # OUTPUT
{
  grep -oE '^[0-9a-f]{16}$' <<<"$1"
}

state_of() # REQUEST
{
  m conos-approve show --json "$1" | field .state
}

is_in_state() # REQUEST STATE
{
  [[ $(state_of "$1") == "$2" ]]
}

# Payloads of the newest rows of a type.
rows() # TYPE
{
  m conos-audit tail --json --type "$1" -n 1000 | jq -c .payload
}

# What an agent was told of a request: the answer to the task, of an asking_agent.
told() # AGENT REQUEST
{
  m sh -c 'grep -l "request $2: " "$1"/outbox/*.json' - "$agents/$1" "$2" | while read -r file; do
    m cat "${file%.json}.response"
  done
}

was_told() # AGENT REQUEST PART
{
  [[ $(told "$1" "$2" 2>/dev/null) == *"$3"* ]]
}

# A service that is of no use, and counts how often it was started.
useless_service() # NAME
{
  m sh -c 'cat >"/etc/systemd/system/$1.service" <<END
[Service]
ExecStartPre=/bin/sh -c "echo x >>/run/started-$1"
ExecStart=/bin/sleep infinity
END
systemctl daemon-reload && systemctl start "$1"' - "$1"
}

starts_of() # NAME
{
  m sh -c 'wc -l <"/run/started-$1"' - "$1"
}
