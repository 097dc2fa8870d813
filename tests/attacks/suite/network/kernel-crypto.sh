# reaches the kernel's ciphers, which have had holes, by a socket
wall='RestrictAddressFamilies'
ways=cage
open_unit='RestrictAddressFamilies=AF_ALG'
attack() { makes_socket 38 5; }
