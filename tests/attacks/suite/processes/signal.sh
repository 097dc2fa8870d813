# ends a process of another agent
wall='its uid; Landlock (from Linux 6.12)'
caps="kill"
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { kill -TERM "$(told)"; }
harm() { ! kill -0 "$(told)"; }
