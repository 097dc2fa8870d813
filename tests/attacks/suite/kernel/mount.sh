# mounts a file system over /opt
wall='no capability; seccomp'
caps=sys_admin
open_unit='SystemCallFilter=mount'
attack() { kernel 165 none /opt tmpfs 0 0; }
