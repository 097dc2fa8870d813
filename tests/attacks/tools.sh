# shellcheck shell=bash
# What attacks, and what is done before and after them, are written with. Installed beside drive.sh in
# the machine, where the cages see it as well: everything below "as root" means nothing to an agent.

here=/usr/local/lib/conos-attacks
agents=/srv/conos/agents
# shellcheck disable=SC2034 # for the attacks
mine=$agents/attacker victim=$agents/victim mate=$agents/mate

# --- as the agent --------------------------------------------------------------------------------

# What root's `tell` said.
told() { cat "$here/told"; }

put() { echo planted >"$1"; } # FILE

can_write() { : >>"$1"; } # FILE, which stays as it is

holds() { [[ $(ls -A "$1") ]]; } # DIRECTORY

is_empty() { [[ ! $(ls -A "$1") ]]; } # DIRECTORY

# The same call as far as a kernel that allows it would go: any error but that it is not permitted, or
# not there.
is_let() # CMD...
{
  ! LC_ALL=C "$@" 2>&1 | grep -qE 'Operation not permitted|Function not implemented'
}

tcp() { : <"/dev/tcp/$1/$2"; } # ADDRESS PORT

# Connects to a socket; @NAME is an abstract one.
reach() # stream|dgram|seqpacket PATH
{
  perl -MSocket -e 'my %kind = (stream => SOCK_STREAM, dgram => SOCK_DGRAM, seqpacket => SOCK_SEQPACKET);
    socket(S, AF_UNIX, $kind{$ARGV[0]}, 0) or die "$!\n";
    connect(S, pack_sockaddr_un($ARGV[1] =~ s/^@/\0/r)) or die "$!\n"' "$@"
}

# Makes a socket of that kind, by numbers.
makes_socket() # FAMILY TYPE [PROTOCOL]
{
  perl -e 'socket(S, $ARGV[0], $ARGV[1], $ARGV[2] // 0) or die "$!\n"' "$@"
}

# A system call, by its number on x86-64: what looks like a number is passed as one, the rest as text.
kernel() # NUMBER ARGUMENT...
{
  perl -e 'my @words = map { /^-?\d+$/ ? $_ + 0 : "$_" } @ARGV;
    my $done = syscall(shift(@words), @words);
    $done == -1 and die "$!\n"; print "$done\n"' "$@"
}

# What counts is not that this could be done, but what comes of it later: harm says.
later() { return 1; }

# --- as root -------------------------------------------------------------------------------------

# Where what must be undone is kept; drive.sh makes one for each attempt.
: "${state:=/run/attack}"

# What the agent should know: the name of a task, the number of a process.
tell() { echo "$*" >"$here/told"; }

# Keeps a file as it is now; `tighten` brings it back.
keep() # FILE
{
  mkdir -p "$state/kept" && cp -a --parents "$1" "$state/kept"
}

# Lets the attacker in, with an ACL of its own on what there already is.
loosen() # PATH...
{
  local path
  for path in "$@"; do
    if lsattr -d "$path" 2>/dev/null | grep -q '^[^ ]*i'; then
      chattr -i "$path" && echo "$path" >>"$state/immutable"
    fi
    getfacl --absolute-names --no-effective "$path" >>"$state/acls" 2>/dev/null
    setfacl -m u:a-attacker:rwx "$path"
  done
}

tighten()
{
  if [[ -e $state/acls ]]; then setfacl --restore="$state/acls"; fi
  if [[ -e $state/kept ]]; then cp -a "$state/kept/." /; fi
  if [[ -e $state/immutable ]]; then xargs -d '\n' chattr +i <"$state/immutable"; fi
  if [[ -e $state/compiled ]]; then cp -a "$state"/compiled/*.json /var/lib/conos/compiled; fi
  rm -rf "$state"/{acls,kept,immutable,compiled}
}

# Changes what conos-bootstrap compiled for an agent, until `tighten`.
settings() # AGENT KEY JSON
{
  local file=/var/lib/conos/compiled/$1.json
  mkdir -p "$state/compiled" && cp -an "$file" "$state/compiled/"
  grep -q "\"$2\":" "$file" && perl -0 -pi -e '
    BEGIN { ($key, $value) = splice(@ARGV, 0, 2) }
    s/"\Q$key\E":\s*(\[[^\]]*\]|"[^"]*"|[^,}\s]+)/"$key":$value/' "$2" "$3" "$file"
}

# As somebody who logged in without more ado.
as() # USER CMD...
{
  setpriv --reuid "$1" --regid "$1" --init-groups -- "${@:2}"
}

# A file of that owner's, with what stands on standard input, moved in whole.
drop() # USER INBOX NAME
{
  local from
  from=$(mktemp -p /srv) && cat >"$from" && chown "$1" "$from" && mv -- "$from" "$2/$3"
}

# What came of a task, as JSON.
receipt() # ID [TIMEOUT]
{
  conos-task wait --json --timeout "${2:-20s}" "$1" 2>/dev/null || (($? == 1))
}

field() # KEY: of the JSON on standard input, a text or a number
{
  perl -0 -ne 'print $1 if /"\Q'"$1"'\E":\s*"?((?:[^"\\,}]|\\.)*)/'
}

# Has the victim, or another that is told so, run a script.
does() # AGENT SCRIPT
{
  receipt "$(printf '#!script\n%s\nexit 0\n' "$2" | conos-task new --direct "$1")" >/dev/null
}

# The same, and then stay at work until the attempt is over. Prints the task's id.
keeps_busy() # AGENT SCRIPT
{
  local id
  id=$(printf '#!script\n%s\ntouch ~/up\nuntil [ -e ~/go ]; do sleep 0.05; done\nexit 0\n' "$2" |
    conos-task new --direct "$1")
  echo "$1" >>"$state/busy"
  until_true test -e "/home/a-$1/up" && echo "$id"
}

# A process of that user's, outside of all cages, for as long as the attempt lasts; comes back when it
# is the program.
runs() # USER PROGRAM...
{
  local pid
  setpriv --reuid "$1" --regid "$1" --init-groups -- "${@:2}" </dev/null >/dev/null 2>&1 &
  pid=$!
  echo "$pid" >>"$state/pids"
  until_true grep -qx "${2##*/}" "/proc/$pid/comm"
}

until_true() # CMD...
{
  local end=$((SECONDS + 15))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.02
  done
}

# Listens for as long as the attempt lasts, and says in $state/called that somebody came.
listen() # tcp|tcp6|udp PORT | unix PATH
{
  rm -f "$state/called" "$state/listening"
  perl -MSocket -e '
    my ($kind, $at, $state) = @ARGV;
    if ($kind eq "unix") {
      unlink($at);
      socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
      bind(S, pack_sockaddr_un($at =~ s/^@/\0/r)) or die "$!";
      chmod(0666, $at);
    } else {
      my $family = $kind eq "tcp6" ? AF_INET6 : AF_INET;
      socket(S, $family, $kind eq "udp" ? SOCK_DGRAM : SOCK_STREAM, 0) or die;
      setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1) or die;
      bind(S, $kind eq "tcp6" ? pack_sockaddr_in6($at, Socket::IN6ADDR_ANY) : pack_sockaddr_in($at, INADDR_ANY))
        or die "$!";
    }
    open(my $up, ">", "$state/listening"); close($up);
    $kind eq "udp" or listen(S, 5) or die;
    alarm(60);
    while (1) {
      $kind eq "udp" ? recv(S, $_, 64, 0) : accept(C, S);
      open(my $called, ">", "$state/called"); close($called);
    }' "$1" "$2" "$state" </dev/null >/dev/null 2>"$state/listener" &
  echo $! >>"$state/pids"
  until_true test -e "$state/listening"
}

# Whether a row of that type, with that text in it, was written since the attempt began.
recorded() # TYPE [TEXT]
{
  conos-audit tail --json -n 200 --type "$1" | perl -ne '
    BEGIN { ($since, $text) = splice(@ARGV, 0, 2) }
    $found = 1 if /"id":\s*(\d+)/ && $1 > $since && index($_, $text) >= 0;
    END { exit !$found }' "$(cat "$state/last-row")" "${2-}"
}

# A tool that root runs by hand. In a control that blinds root's steps, so is this.
root_runs() # CMD...
{
  local without=''
  if [[ ${control-} ]]; then without=${blind-}; fi
  env ${without:+CONOS_BLIND="$without"} ${without:+LD_PRELOAD="$library"} timeout 20 "$@"
}

# The firewall of agents' uids, away and back.
no_firewall() { nft delete table inet conos; }

firewall()
{
  nft list table inet conos >/dev/null 2>&1 || {
    systemctl reset-failed conos-firewall.service # it may be started five times in ten seconds
    systemctl restart conos-firewall.service
  }
}

# Keeps what is dropped for an agent waiting in its inbox.
asleep() { systemctl stop "conos-$1.path"; } # AGENT

awake() { systemctl start "conos-$1.path"; } # AGENT

# Whether somebody else's task is still served while the attack lasts.
still_serves() # AGENT [SECONDS]
{
  [[ $(receipt "$(conos-task new --direct "$1" 'hello')" "${2:-5}s" | field outcome) == answered ]]
}

# Whether a text stands in what an agent said or kept.
said_anywhere() # AGENT TEXT
{
  grep -rqF -- "$2" "$agents/$1"/{outbox,processed,failed}
}

# What a program prints when its output is a terminal.
on_a_terminal() # CMD...
{
  root_runs script --quiet --return --command "$*" /dev/null </dev/null
}

# A unit's lines without all that seccomp does, which is what makes NoNewPrivileges= needed.
# shellcheck disable=SC2034
no_seccomp='NoNewPrivileges=no
SystemCallFilter=
SystemCallArchitectures=
RestrictAddressFamilies=
RestrictNamespaces=no
RestrictRealtime=no
RestrictSUIDSGID=no
LockPersonality=no
MemoryDenyWriteExecute=no
PrivateDevices=no
PrivateUsers=no
ProtectClock=no
ProtectHostname=no
ProtectKernelLogs=no
ProtectKernelModules=no
ProtectKernelTunables=no
CapabilityBoundingSet=~'
