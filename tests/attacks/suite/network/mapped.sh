# speaks to a service of the machine by an IPv4 address written as IPv6
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { listen tcp 4711; }
attack() { tcp ::ffff:127.0.0.1 4711; }
open() { no_firewall; }
close() { firewall; }
