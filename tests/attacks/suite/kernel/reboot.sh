# reboots the machine
wall='no capability; seccomp'
caps=sys_boot
open_unit='SystemCallFilter=reboot'
# a command that does not exist
attack() { is_let kernel 169 4276215469 672274793 1 0; }
