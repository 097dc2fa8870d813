# becomes root by asking for it
wall='no capability; seccomp'
caps=setuid
open_unit='SystemCallFilter=@setuid'
attack() { kernel 117 0 0 0; }
