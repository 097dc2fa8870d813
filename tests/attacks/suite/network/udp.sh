# sends a datagram to a service of the machine
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { listen udp 4711; }
attack() { echo x >/dev/udp/127.0.0.1/4711; later; }
harm()
{
  sleep 0.2
  [[ -e $state/called ]]
}
open() { no_firewall; }
close() { firewall; }
