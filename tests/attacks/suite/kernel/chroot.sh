# changes its root directory
wall='no capability; seccomp'
caps=sys_chroot
open_unit='SystemCallFilter=chroot'
attack() { kernel 161 /usr; }
