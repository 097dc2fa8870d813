# watches all files of the machine
wall='seccomp'
ways=cage
no_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { kernel 300 512 0; }
