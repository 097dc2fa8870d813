# leaves a contract, by which root would run a program
wall='mode of /etc/conos; the cage has none'
caps=dac_override
open_unit='BindPaths=/etc/conos'
attack() { mkdir -p /etc/conos/contracts/attack; }
close() { rmdir /etc/conos/contracts/attack /etc/conos/contracts; }
