# asks systemd about the accounts of the machine
wall='the cage has no /run of the machine'
ways=cage
open_unit='BindPaths=/run/systemd/userdb'
attack() { reach stream /run/systemd/userdb/io.systemd.DynamicUser; }
open() { loosen /run/conos/cage/run/systemd; }
