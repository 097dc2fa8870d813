# sends an ICMP message, and data in it
wall='a network of its own; the firewall by uid'
# in a network of its own there is an answer, of nobody else's
ways=bare
attack()
{
  perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 1) or die "$!\n";
    send(S, pack("C C n n n a4", 8, 0, 0, 1, 1, "data"), 0, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "$!\n";
    alarm(1); recv(S, $answer, 64, 0); length($answer) or die "no answer\n"'
}
open() { no_firewall && sysctl -q -w 'net.ipv4.ping_group_range=0 2147483647'; }
close() { firewall; }
