# has memory written to a file of its own
wall='no capability; seccomp'
caps=sys_admin
open_unit='SystemCallFilter=swapon'
no_cage_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { is_let kernel 167 /nowhere 0; }
