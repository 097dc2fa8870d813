# asks what two processes share
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=kcmp'
attack() { sleep 5 & kernel 312 "$!" "$!" 2 0 0; }
