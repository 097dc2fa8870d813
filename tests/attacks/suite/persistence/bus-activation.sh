# leaves a service for the bus to start
wall='owner of the directory; read-only in the cage'
open_unit='ReadWritePaths=+/usr'
attack() { : >/usr/share/dbus-1/system-services/attacker.service; }
open() { loosen /usr/share/dbus-1/system-services; }
close() { rm -f /usr/share/dbus-1/system-services/attacker.service; }
