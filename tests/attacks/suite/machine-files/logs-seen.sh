# lists the logs of the machine
wall='the cage has none'
ways=cage
open_unit='BindReadOnlyPaths=/var/log'
attack() { ls /var/log; }
