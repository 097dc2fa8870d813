# slows another agent's program down
wall='its uid; seccomp'
caps=sys_nice
open_unit='SystemCallFilter=setpriority'
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { kernel 141 0 "$(told)" 19; }
