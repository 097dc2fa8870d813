# leaves a process in a session of its own, which nobody waits for
wall='work ends everything of its uid; systemd ends what is left in the unit'
ways=cage
blind="kill"
open_unit=$'KillMode=process\nTimeoutStopSec=2s'
attack() { (setsid sleep 300 </dev/null >/dev/null 2>&1 &) && later; }
harm() { pgrep -U a-attacker -x sleep; }
