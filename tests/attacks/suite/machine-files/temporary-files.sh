# has systemd-tmpfiles make a file of its choice at the next boot
wall='owner of /etc/tmpfiles.d; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
attack() { : >/etc/tmpfiles.d/attacker.conf; }
open() { loosen /etc/tmpfiles.d; }
close() { rm -f /etc/tmpfiles.d/attacker.conf; }
