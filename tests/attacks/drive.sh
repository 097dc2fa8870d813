#!/usr/bin/env bash
# drive - makes attacks in the machine it is in, as root, and says what came of each
#
#   drive.sh [--controls[=N]] [WORD...]   those with one of the words in ASSET/NAME; controls of one in N
#
# An attack is a file suite/ASSET/NAME.sh, read by this shell and by the agent's (see README.md beside it).
# It is made in each of its ways, `cage`: as the agent's program in its unit, `bare`: by a login of
# its uid that no unit has caged. Well is what was tried, did not get through and did no harm. With
# --controls the wall is taken down first, and well is what then gets through or does harm.
set -uo pipefail
here=/usr/local/lib/conos-attacks
# shellcheck disable=SC2034 # tools.sh, too
library=$here/libblind.so
state=/run/attack
dropins=/run/systemd/system
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# shellcheck source=tools.sh
. "$here/tools.sh"

# --- what a file says ----------------------------------------------------------------------------

# shellcheck disable=SC2034
read_attack() # ASSET/NAME
{
  wall='' ways='cage bare' open_unit='' blind='' caps='' as_root='' no_control='' no_cage_control=''
  prepare() { :; }
  harm() { false; }
  open() { :; }
  close() { :; }
  # shellcheck source=/dev/null
  . "$here/suite/$1.sh"
  blind=${blind//attacker/$(id -u a-attacker)}
}

sentence_of() # ASSET/NAME
{
  sed -n '1s/^# //p' "$here/suite/$1.sh"
}

# All there are, or those with a word in their name.
list_attacks() # [WORD...]
{
  local words
  words=$(printf '|%s' "$@")
  (cd "$here/suite" && find . -name '*.sh' -printf '%P\n') | sed 's/\.sh$//' | LC_ALL=C sort |
    grep -E -e "${words#|}"
}

# --- the machine around an attempt ---------------------------------------------------------------

# What no attack may change, in lines that can be compared.
guarded()
{
  find /etc /boot /opt /root /usr/local /var/spool /var/lib/systemd/linger /var/lib/conos/compiled \
    /var/lib/conos/instructions /var/lib/conos/hold /var/lib/conos/audit.key /run/systemd/system \
    /run/conos/doors /srv /home/a-victim /home/a-mate "$victim/workspace" "$mate/workspace" \
    \( -path /srv/conos -o -path "$here/told" \) -prune -o -printf '%p %y %m %u:%g %s %C@ %l\n' 2>/dev/null
}

is_idle() # AGENT
{
  local place
  for place in inbox claimed; do
    [[ -z $(ls -A "$agents/$1/$place" 2>/dev/null) ]] || return 1
  done
}

# What hangs in a control, without the check that keeps it from hanging.
stop_for_good() # AGENT
{
  systemctl kill --signal=KILL "conos-$1.service"
  rm -rf "$agents/$1"/{inbox,claimed,drafts}/* "$agents/$1"/{batch,decided}.json
}

clean()
{
  local name pid
  if [[ -e $state/busy ]]; then
    while read -r name; do touch "/home/a-$name/go"; done <"$state/busy"
    while read -r name; do until_true is_idle "$name"; done <"$state/busy"
    while read -r name; do rm -f /home/a-"$name"/{up,go}; done <"$state/busy"
  fi
  if [[ -e $state/pids ]]; then
    while read -r pid; do kill -KILL "$pid"; done <"$state/pids" 2>/dev/null
  fi
  pgrep -U a-attacker | while read -r pid; do kill -KILL "$pid"; done 2>/dev/null
  find "$mine/workspace" /home/a-attacker /tmp /var/tmp /dev/shm -mindepth 1 -depth \
    ! -path /home/a-attacker/AGENTS.md \( -user a-attacker -o -user a-victim \) -delete
  if [[ ! -L /home/a-attacker/AGENTS.md ]]; then
    rm -rf /home/a-attacker/AGENTS.md && conos-bootstrap >/dev/null
  fi
  for name in attacker victim mate; do
    systemctl is-active --quiet "conos-$name.path" || awake "$name"
    until_true is_idle "$name" || stop_for_good "$name"
    find "$agents/$name"/{outbox,processed,failed,held} -mindepth 1 -delete
  done
  rm -rf "$state"
}

# --- one attempt ---------------------------------------------------------------------------------

launch() # WAY ASSET/NAME
{
  local id user=a-attacker raise=''
  rm -f "$mine"/workspace/.{verdict,said,prompt} # of an attempt that was root's
  echo "$2" >"$mine/workspace/.attack"
  chown a-attacker: "$mine/workspace/.attack"
  if [[ $1 == cage ]]; then
    id=$(conos-task new --direct attacker go)
    awake attacker # where it was kept asleep for more than this one
    receipt "$id" 60s >"$state/receipt"
    return
  fi
  if [[ $control && $as_root ]]; then user=root; fi
  if [[ $control && $caps ]]; then raise=+${caps// /,+}; fi
  timeout --signal=KILL 30 setpriv --reuid "$user" --regid "$user" --init-groups \
    ${raise:+--inh-caps "$raise"} ${raise:+--ambient-caps "$raise"} -- \
    env -i HOME=/home/a-attacker USER=a-attacker LOGNAME=a-attacker LANG=C.UTF-8 \
    PATH=/usr/local/bin:/usr/bin:/bin bash "$here/try" </dev/null >"$state/answer" 2>&1
}

# Says why it is not well; nothing when it is.
attempt() # WAY ASSET/NAME
{
  local verdict got_through=''
  prepare >"$state/prepare" 2>&1 || { echo "prepare failed: $(tail -n 3 "$state/prepare")" && return; }
  conos-audit tail --json -n 1 | sed 's/.*"id":\([0-9]*\).*/\1/' >"$state/last-row"
  if [[ $control ]]; then
    open >"$state/open" 2>&1 || { echo "open failed: $(tail -n 3 "$state/open")" && return; }
  else
    guarded >"$state/before"
  fi
  launch "$1" "$2"
  verdict=$(head -c 200 "$mine/workspace/.verdict" 2>&1)
  case $verdict in
    *'could not be made'* | [!T]* | '') echo "not tried: $verdict$(said)" && return ;;
    *BREACH*) got_through="it got through$(said)" ;;
  esac
  if [[ $control ]] && declare -F naive >/dev/null; then naive >"$state/naive" 2>&1; fi
  if [[ ! $control ]]; then
    guarded >"$state/after"
    diff "$state/before" "$state/after" >"$state/changed" || got_through="changed: $(head -n 4 "$state/changed")"
  fi
  if [[ ! $got_through ]] && harm >"$state/harm" 2>&1; then got_through="harm was done$(said)"; fi
  if [[ $control ]]; then
    [[ $got_through ]] || echo "still blocked$(said)"
  elif [[ $got_through ]]; then
    echo "$got_through"
  elif declare -F record >/dev/null && ! record >"$state/record" 2>&1; then
    echo "not recorded as it should be$(said)"
  fi
}

# What the attempt printed, for who looks into it.
said()
{
  local part
  for part in "$mine/workspace/.said" "$state"/{answer,harm,record,receipt}; do
    if [[ -s $part ]]; then
      printf '; %s: ' "${part##*/}"
      head -c 600 "$part" | tr -c '[:print:]' ' '
    fi
  done
}

one() # WAY ASSET/NAME
{
  local why
  read_attack "$2"
  clean 2>/dev/null
  mkdir -p "$state"
  why=$(attempt "$1" "$2")
  close >/dev/null 2>&1
  tighten
  clean 2>/dev/null
  printf '%s' "$why"
  [[ ! $why ]]
}

# --- all of them ---------------------------------------------------------------------------------

say() # WHY ASSET/NAME WAY
{
  local what
  what="$2: $(sentence_of "$2")"
  if [[ $control ]]; then what="control of $2"; fi
  if [[ ! $1 ]]; then
    echo "ok $what ($3)"
  else
    echo "not ok $what ($3)"
    printf '    %s\n' "$1"
    failed=1
  fi
}

try_one() # WAY ASSET/NAME
{
  local why status
  why=$(CONTROL=$control timeout --signal=KILL 120 "$0" --one "$1" "$2" 2>&1)
  status=$?
  if ((status > 1)); then why+=" drive.sh ended with $status"; fi
  say "$why" "$2" "$1"
  attempts=$((attempts + 1))
}

# The drop-ins that take an attack's wall down, and its way: "DIGEST WAY ASSET/NAME".
plan_of() # ASSET/NAME
{
  local way unit cap
  read_attack "$1"
  if [[ $no_control ]]; then
    echo "none - $1"
    return
  fi
  for way in $ways; do
    if [[ $way == cage && $no_cage_control ]]; then
      echo "none cage $1"
      continue
    fi
    unit=''
    if [[ $blind || $way == cage ]]; then
      unit="Environment=LD_PRELOAD=$library \"CONOS_BLIND=landlock $blind\""$'\n'
    fi
    if [[ $way == cage ]]; then
      for cap in $caps; do
        unit+="CapabilityBoundingSet=CAP_${cap^^}"$'\n'"AmbientCapabilities=CAP_${cap^^}"$'\n'
      done
      unit+=${caps:+PrivateUsers=no$'\n'}$open_unit$'\n'
    fi
    echo "$(keep_plan "$unit" "$blind") $way $1"
  done
}

keep_plan() # UNIT BLIND
{
  local digest
  digest=$(printf '%s\n%s' "$1" "$2" | md5sum | cut -c1-12)
  printf '[Service]\n%s\n' "$1" >"$plans/$digest"
  # root's other steps are as blind as the agent's unit
  if [[ $2 ]]; then grep -e '^\[' -e ^Environment= "$plans/$digest" >"$plans/$digest.all"; fi
  echo "$digest"
}

take_down() # DIGEST
{
  rm -f "$dropins"/conos-.service.d/90-blind.conf "$dropins"/conos-attacker.service.d/91-control.conf
  if [[ -e $plans/${1:-none} ]]; then
    mkdir -p "$dropins"/conos{-,-attacker}.service.d
    cp "$plans/$1" "$dropins/conos-attacker.service.d/91-control.conf"
    if [[ -e $plans/$1.all ]]; then cp "$plans/$1.all" "$dropins/conos-.service.d/90-blind.conf"; fi
  fi
  systemctl daemon-reload
}

all_attacks() # [WORD...]
{
  local name way count=0
  while read -r name; do
    count=$((count + 1))
    for way in $(read_attack "$name" && echo "$ways"); do try_one "$way" "$name" </dev/null; done
  done < <(list_attacks "$@")
  echo "# $count attacks, $attempts attempts"
}

all_controls() # [WORD...]
{
  local name way digest last='' without=0
  plans=$(mktemp -d)
  # those of one wall together: systemd reads its units anew for each
  while read -r digest way name; do
    if [[ $digest == none ]]; then
      echo "# no control of $name: $(read_attack "$name" && echo "${no_control:-$no_cage_control}")"
      without=$((without + 1))
      continue
    fi
    if [[ $digest != "$last" ]]; then take_down "$digest"; fi
    last=$digest
    try_one "$way" "$name" </dev/null
  done < <(list_attacks "$@" | sed -n "1~${control}p" | while read -r name; do (plan_of "$name"); done | LC_ALL=C sort)
  take_down ''
  rm -rf "$plans"
  echo "# $attempts controls, $without attacks without one"
}

control=${CONTROL-}
if [[ ${1-} == --one ]]; then
  one "$2" "$3"
  exit
fi
if [[ ${1-} == --controls* ]]; then
  control=1
  [[ $1 != *=* ]] || control=${1#*=}
  shift
fi
attempts=0
failed=0
if [[ $control ]]; then all_controls "$@"; else all_attacks "$@"; fi
exit "$failed"
