# takes from another agent's program what it may use
wall='its uid'
no_control='systemd-nspawn keeps it from the whole machine of the tests'
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { prlimit --pid "$(told)" --nofile=3; }
