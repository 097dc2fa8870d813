# reads and writes packets below all protocols
wall='no capability; RestrictAddressFamilies'
caps=net_raw
open_unit=$'RestrictAddressFamilies=AF_PACKET\nPrivateNetwork=no'
attack() { makes_socket 17 3 768; }
