# leaves a process that hears no signal
wall='work ends everything of its uid; systemd ends what is left in the unit'
ways=cage
blind="kill"
open_unit=$'KillMode=process\nTimeoutStopSec=2s'
attack() { (setsid bash -c 'trap "" TERM INT HUP; exec sleep 300' </dev/null >/dev/null 2>&1 &) && later; }
harm() { pgrep -U a-attacker -x sleep; }
