# writes IP packets of its own making
wall='no capability'
caps=net_raw
open_unit='PrivateNetwork=no'
attack() { makes_socket 2 3 255; }
