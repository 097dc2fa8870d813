# takes over another agent's program
wall='its uid; seccomp'
caps=sys_ptrace
open_unit='SystemCallFilter=ptrace'
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { kernel 101 16 "$(told)" 0 0; }
