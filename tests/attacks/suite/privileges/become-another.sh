# becomes another agent by asking for it
wall='no capability; seccomp'
caps=setuid
open_unit='SystemCallFilter=@setuid'
attack() { local uid && uid=$(id -u a-victim) && kernel 117 "$uid" "$uid" "$uid"; }
