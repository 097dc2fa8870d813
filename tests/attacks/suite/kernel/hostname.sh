# renames the machine
wall='no capability; seccomp'
caps=sys_admin
open_unit=$'ProtectHostname=no\nSystemCallFilter=sethostname'
attack() { kernel 170 conos 5; }
