# ends a process of another agent
wall='its uid; Landlock (from Linux 6.12)'
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
# not by CAP_KILL: with it the last step of its own unit would end everybody's processes
open() { runs a-attacker sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { kill -TERM "$(told)"; }
harm() { ! kill -0 "$(told)"; }
