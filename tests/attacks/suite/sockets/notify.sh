# tells systemd how a service is
wall='the cage has no /run of the machine'
ways=cage
open_unit='BindPaths=/run/systemd/notify'
attack() { reach dgram /run/systemd/notify; }
open() { loosen /run/conos/cage/run/systemd; }
