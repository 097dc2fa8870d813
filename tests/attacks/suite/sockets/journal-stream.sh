# writes to the journal, under a name of its choice
wall='mode of the directory it is in'
ways=cage
attack() { reach stream /run/systemd/journal/stdout; }
open() { loosen /run/conos/cage/run/systemd; }
