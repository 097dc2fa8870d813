# looks for keys that others keep in the kernel
wall='seccomp'
ways=cage
no_control='systemd-nspawn keeps it from the whole machine of the tests'
attack() { is_let kernel 250 0 -4 0; }
