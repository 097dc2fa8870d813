# leaves a line for every shell that people start
wall='owner of /etc/profile.d; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
attack() { : >/etc/profile.d/attacker.sh; }
open() { loosen /etc/profile.d; }
close() { rm -f /etc/profile.d/attacker.sh; }
