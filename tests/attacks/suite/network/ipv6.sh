# speaks to a service of the machine by IPv6
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { listen tcp6 4711; }
attack() { tcp ::1 4711; }
open() { no_firewall; }
close() { firewall; }
