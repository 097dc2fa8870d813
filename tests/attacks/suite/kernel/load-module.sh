# loads a module into the kernel
wall='no capability; seccomp'
no_control='systemd-nspawn keeps it from the whole machine of the tests'
attack() { is_let kernel 313 0 0 0; }
