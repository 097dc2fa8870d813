# leaves a unit for systemd to start
wall='owner of /etc/systemd/system; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
attack() { : >/etc/systemd/system/attacker.service; }
open() { loosen /etc/systemd/system; }
close() { rm -f /etc/systemd/system/attacker.service; }
