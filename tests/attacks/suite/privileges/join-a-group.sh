# joins the group whose members read every answer
wall='no capability; seccomp'
caps=setgid
open_unit='SystemCallFilter=@setuid'
attack() { local gid && gid=$(getent group conos | cut -d: -f3) && kernel 119 "$gid" "$gid" "$gid"; }
