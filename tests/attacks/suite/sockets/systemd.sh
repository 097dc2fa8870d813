# speaks to systemd by its own socket
wall='the cage has no /run of the machine'
ways=cage
open_unit='BindPaths=/run/systemd/private'
attack() { reach stream /run/systemd/private; }
open() { loosen /run/conos/cage/run/systemd /run/systemd/private; }
