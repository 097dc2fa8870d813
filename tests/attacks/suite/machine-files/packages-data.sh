# leaves a script for dpkg to run as root
wall='owner of /var/lib/dpkg/info; read-only in the cage'
open_unit='ReadWritePaths=+/var/lib'
attack() { : >/var/lib/dpkg/info/attacker.postinst; }
open() { loosen /var/lib/dpkg/info; }
close() { rm -f /var/lib/dpkg/info/attacker.postinst; }
