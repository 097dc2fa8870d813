# looks for keys that others keep in the kernel
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=@keyring'
attack() { is_let kernel 250 0 -4 0; }
