# writes to the system's log
wall='mode of the directory it is in'
ways=cage
attack() { reach dgram /run/systemd/journal/dev-log; }
open() { loosen /run/conos/cage/run/systemd; }
