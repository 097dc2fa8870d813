# shellcheck shell=bash
# What tests in a machine share. A test file defines functions named test_..., whose names are
# sentences, and ends with `run_tests "$@"`; by hand it takes words that select among them.
#
# All share one machine that is booted when first needed and stays up for the next run by hand, so
# a test uses names of its own in it; one that reboots or breaks things takes a `fresh_machine`.
# Either has conos installed, as it was last built; `need_conos` also has it provisioned.
# A test fails with its first failing command.
set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../../packaging/lib.sh"

machine_tool=$source_dir/packaging/machine
machine_name=${CONOS_TEST_MACHINE:-test-$clone_id}

# --- the machine ---------------------------------------------------------------------------------

machine() # VERB [ARGUMENT...]
{
  "$machine_tool" "$1" "$machine_name" "${@:2}"
}

# Runs CMD in the machine as root.
m() # CMD...
{
  "$machine_tool" exec "$machine_name" "$@"
}

# What was built last, in a word; a machine with something else in it is of no use.
build_stamp()
{
  stat -c %y "$(build_dir)/.ninja_log" 2>/dev/null || echo nothing
}

new_machine()
{
  local trees=()
  if [[ -e $(build_dir)/.ninja_log ]]; then trees=("$(stage)"); fi
  machine up "${trees[@]}"
  be_patient
  build_stamp >"$(machine root)/etc/build-stamp"
}

# What is seen of load, memory and disk is the host's, and a healthcheck in the middle of a test that
# breaks things would see them: tests of contracts ask for theirs.
be_patient()
{
  local profile
  profile=$(machine root)/usr/share/conos/profiles/default/conos.toml
  [[ -e $profile ]] || return 0
  printf '%s\n' '' '[contracts.system]' 'max_load_factor = 10000.0' 'mem_min_free_pct = 0' \
    'disk_min_free_pct = 0' 'healthcheck_interval = "1w"' >>"$profile"
}

need_machine()
{
  local has
  has=$(cat "$(machine root 2>/dev/null)/etc/build-stamp" 2>/dev/null) || true
  { [[ $has == "$(build_stamp)" ]] && machine status | grep -q ': running'; } || new_machine
}

# One for this test alone; it goes when the test ends.
fresh_machine()
{
  machine_name+=-fresh
  echo "$machine_name" >"$scratch/fresh"
  new_machine
}

# --- conos in it ---------------------------------------------------------------------------------

# The shipped profile, provisioned.
need_conos()
{
  [[ -e $(machine root)/etc/conos/conos.toml ]] || m conos-bootstrap --profile default >&2
}

# Adds to conos.toml what stands on standard input.
configure()
{
  m conos-bootstrap --unlock
  m sh -c 'cat >>/etc/conos/conos.toml'
  m conos-bootstrap
}

# An agent more, with lines of TOML: agent echo 'runner = "/bin/cat"'
agent() # NAME [LINE...]
{
  printf '%s\n' '' '[[agents]]' "name = \"$1\"" "${@:2}" | configure
}

# Agents whose program is the text of their task, below a line "#!script"; with lines of TOML for all.
script_agents() # NAME... -- [LINE...]
{
  local names=()
  while [[ $1 != -- ]]; do names+=("$1") && shift; done
  shift
  [[ -d $(machine root)/srv/conos/agents/${names[0]} ]] && return
  local name
  for name in "${names[@]}"; do
    # shellcheck disable=SC2016 # sed's own $
    printf '%s\n' '' '[[agents]]' "name = \"$name\"" 'runner = "/bin/bash"' \
      'runner_args = ["-c", "sed 1,/^#!script$/d | bash"]' "$@"
  done | configure >&2
}

# What such an agent is to do, as the text of a task.
script() # LINE...
{
  printf '%s\n' '#!script' "$@" 'exit 0'
}

person() # NAME [GROUP...]
{
  local groups
  printf -v groups '%s,' "${@:2}"
  m useradd --no-create-home ${groups:+--groups "${groups%,}"} "$1"
}

# Runs CMD as somebody who logged in without more ado; for agents, outside of their cage.
as() # USER CMD...
{
  m setpriv --reuid "$1" --regid "$1" --init-groups -- "${@:2}"
}

# Hands a task in and prints its ID, with conos-task's options.
new_task() # [OPTION...] TEXT
{
  m conos-task new "$@"
}

# A person's way: a name of one's own, moved in whole. The inbox is an agent's, or `outer`.
drop() # INBOX NAME <TEXT
{
  local inbox=/srv/conos/agents/$1/inbox
  if [[ $1 == outer ]]; then inbox=/srv/conos/inbox; fi
  m sh -c 'cat >"$1/.$2.new" && mv -- "$1/.$2.new" "$1/$2"' - "$inbox" "$2"
}

# Waits for a task's end and prints the receipt, with the answer in it, as JSON.
receipt() # ID [TIMEOUT]
{
  m conos-task wait --json --timeout "${2:-30s}" "$1" || (($? == 1))
}

# A field of the JSON on standard input: receipt ID | field .exit.status
field() # FILTER
{
  jq -r "$1"
}

# Where a task is, as AGENT/STATE lines; one line, or something is wrong.
states() # ID
{
  m sh -c 'cd /srv/conos/agents && for state in claimed held processed failed; do
    for place in */"$state/$1" */"$state/$1.json"; do
      if [ -e "$place" ]; then echo "${place%%/*}/$state"; fi
    done
  done' - "$1"
}

# How many receipts an agent's outbox has.
receipts_of() # AGENT
{
  m sh -c 'ls "/srv/conos/agents/$1/outbox" | grep -c "\.json$" || true' - "$1"
}

has_answered() # AGENT COUNT
{
  (($(receipts_of "$1") >= $2))
}

# --- saying what should be -----------------------------------------------------------------------

fail() # MESSAGE
{
  echo "$*" >&2
  return 1
}

skip() # REASON
{
  echo "$*" >"$scratch/skip"
  exit 77
}

equal() # EXPECTED ACTUAL
{
  [[ $2 == "$1" ]] || fail "expected '$1', got '$2'"
}

contains() # TEXT PART
{
  [[ $1 == *"$2"* ]] || fail "no '$2' in '$1'"
}

# CMD ends with this status; prints what it printed.
status_is() # STATUS CMD...
{
  local status=0
  "${@:2}" || status=$?
  equal "$1" "$status"
}

refused() # CMD...
{
  ! "$@" || fail "should have been refused: $*"
}

# Never sleep in a test: say what you are waiting for.
wait_for() # [-SECONDS] CMD...
{
  local seconds=30
  if [[ $1 =~ ^-[0-9]+$ ]]; then
    seconds=${1#-}
    shift
  fi
  local end=$((SECONDS + seconds))
  until "$@"; do
    ((SECONDS < end)) || fail "not after $seconds s: $*" || return 1
    sleep 0.05
  done
}

# --- running them --------------------------------------------------------------------------------

# Those that have one of the words in their name, in the order of the file.
list_tests() # [WORD...]
{
  shopt -s extdebug
  local name words
  words=$(printf '|%s' "$@")
  compgen -A function test_ | grep -E -e "${words#|}" |
    while read -r name; do declare -F "$name"; done | sort -n -k2 | cut -d' ' -f1
}

run_one() # FUNCTION
{
  trap 'printf "%s:%s: %s\n" "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR
  set -eE
  "$1"
}

report_failure() # MACHINE START
{
  sed 's/^/    /' "$scratch/out"
  echo "    --- journal of '$1'"
  "$machine_tool" logs "$1" --since="@$2" -n 40 --no-pager -o short-precise 2>&1 | sed 's/^/    /'
}

run_tests() # [WORD...]
{
  local name title started status used failed=0
  scratch=$(mktemp -d)
  for name in $(list_tests "$@"); do
    title=${name#test_}
    title=${title//_/ }
    started=$EPOCHSECONDS
    rm -f "$scratch/fresh"
    # In a condition, set -e would mean nothing inside it.
    set +e
    (run_one "$name") >"$scratch/out" 2>&1 </dev/null
    status=$?
    set -e
    if ((EPOCHSECONDS > started + 2)); then title+=" ($((EPOCHSECONDS - started)) s)"; fi
    used=$(cat "$scratch/fresh" 2>/dev/null || echo "$machine_name")
    case $status in
      0) echo "ok $title" && sed -n '/^# /p' "$scratch/out" ;;
      77) echo "ok $title # SKIP $(<"$scratch/skip")" ;;
      *)
        echo "not ok $title"
        report_failure "$used" "$started"
        failed=1
        ;;
    esac
    [[ $used == "$machine_name" ]] || "$machine_tool" rm "$used"
  done
  rm -rf "$scratch"
  exit "$failed"
}
