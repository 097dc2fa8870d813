# reaches the kernel's ciphers, which have had holes, by a socket
wall='RestrictAddressFamilies'
ways=cage
no_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { makes_socket 38 5; }
