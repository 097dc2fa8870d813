# leaves a policy for every agent
wall='mode of /etc/conos; the cage has none'
caps=dac_override
open_unit='BindPaths=/etc/conos'
attack() { mkdir -p /etc/conos/policy/attack; }
close() { rmdir /etc/conos/policy/attack /etc/conos/policy; }
