# reads the status page, with other agents' tasks on it, where browsers find it
wall='a network of its own; the firewall by uid'
open_unit='PrivateNetwork=no'
prepare() { conos-page write && systemctl start conos-page.socket; }
attack()
{
  exec 3<>/dev/tcp/127.0.0.1/8080
  printf 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  timeout 5 grep -q 'conos on' <&3
}
open() { no_firewall; }
close() { systemctl stop conos-page.socket && firewall; }
