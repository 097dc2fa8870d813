# sends what it knows away as the name it asks for
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { listen udp 53; }
attack()
{
  perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0) or die; my $question = pack("n6", 1, 256, 1, 0, 0, 0) . "\6secret\7example\0" . pack("n2", 1, 1);
    send(S, $question, 0, pack_sockaddr_in(53, INADDR_LOOPBACK)) or die "$!\n"'
  later
}
harm()
{
  sleep 0.2
  [[ -e $state/called ]]
}
open() { no_firewall; }
close() { firewall; }
