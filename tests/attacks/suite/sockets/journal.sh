# writes to the journal, with fields of its choice
wall='mode of the directory it is in'
ways=cage
attack() { reach dgram /run/systemd/journal/socket; }
open() { loosen /run/conos/cage/run/systemd; }
