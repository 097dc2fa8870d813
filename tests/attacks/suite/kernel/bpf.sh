# loads a program into the kernel
wall='no capability; seccomp'
caps=sys_admin
open_unit='SystemCallFilter=bpf'
attack() { is_let kernel 321 99 0 0; }
