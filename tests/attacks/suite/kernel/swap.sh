# has memory written to a file of its own
wall='no capability; seccomp'
caps=sys_admin
open_unit='SystemCallFilter=swapon'
attack() { is_let kernel 167 /nowhere 0; }
