# listens where others will connect to it
wall='the firewall by uid'
ways=bare
attack()
{
  perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(S, pack_sockaddr_in(4712, INADDR_LOOPBACK)) or die "$!\n"; listen(S, 5); close(STDOUT); close(STDERR); fork and exit; alarm(5); accept(C, S)'
  later
}
harm() { timeout 1 bash -c ': </dev/tcp/127.0.0.1/4712'; }
open() { no_firewall; }
close() { firewall; }
