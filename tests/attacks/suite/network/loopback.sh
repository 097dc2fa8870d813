# speaks to a service on the machine's loopback interface
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { listen tcp 4711; }
attack() { tcp 127.0.0.1 4711; }
open() { no_firewall; }
close() { firewall; }
