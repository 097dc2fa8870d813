# holds the kernel up in the middle of a copy
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=userfaultfd'
attack() { kernel 323 1; }
