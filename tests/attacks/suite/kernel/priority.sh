# puts itself before everybody else
wall='no capability; seccomp'
caps=sys_nice
open_unit='SystemCallFilter=setpriority'
attack() { kernel 141 0 0 -10; }
