# loosens its own unit with a drop-in of the kind that is gone after a boot
wall='owner of /run/systemd/system; the cage has no /run of the machine'
caps=dac_override
open_unit='BindPaths=/run/systemd/system'
attack() { mkdir /run/systemd/system/attacker.service.d; }
close() { rmdir /run/systemd/system/attacker.service.d; }
