# leaves a core dump of what it held in memory
wall='LimitCORE'
ways=cage
open_unit='LimitCORE=infinity'
attack() { ulimit -c 1000; }
