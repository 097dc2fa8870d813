# takes over another process of its own
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=ptrace'
attack() { sleep 5 & kernel 101 16 "$!" 0 0; }
