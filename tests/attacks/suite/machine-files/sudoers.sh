# gives itself a rule of sudo
wall='owner of /etc/sudoers.d; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
attack() { : >/etc/sudoers.d/zz-attacker; }
open() { loosen /etc/sudoers.d; }
close() { rm -f /etc/sudoers.d/zz-attacker; }
