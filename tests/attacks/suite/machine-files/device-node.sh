# makes a device node
wall='no capability'
caps=mknod
no_cage_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { mknod null c 1 3; }
