# opens the memory of another agent's program
wall='its uid; the cage shows no processes of others'
caps='sys_ptrace dac_override'
open_unit='ProtectProc=default'
prepare() { runs a-victim sleep 60 && tell "$(tail -n 1 "$state/pids")"; }
attack() { : <"/proc/$(told)/mem"; }
