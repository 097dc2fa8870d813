# reads the environment of another agent's program
wall='its uid; the cage shows no processes of others'
caps='sys_ptrace dac_override'
open_unit='ProtectProc=default'
prepare() { SECRET=secret runs a-victim sleep 60; }
attack() { grep -l SECRET=secret /proc/[0-9]*/environ; }
