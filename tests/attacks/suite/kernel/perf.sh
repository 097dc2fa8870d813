# watches the kernel through its performance counters
wall='seccomp'
ways=cage
no_control='systemd-nspawn keeps it from the whole machine of the tests'
attack() { is_let kernel 298 0 0 -1 -1 0; }
