# has systemd start its user's services at boot
wall='owner of the directory; read-only in the cage'
open_unit='ReadWritePaths=+/var/lib'
prepare() { mkdir -p /var/lib/systemd/linger; }
attack() { : >/var/lib/systemd/linger/a-attacker; }
open() { loosen /var/lib/systemd/linger; }
close() { rm -f /var/lib/systemd/linger/a-attacker; }
