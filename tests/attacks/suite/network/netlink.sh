# speaks to the kernel about its network
wall='RestrictAddressFamilies'
ways=cage
open_unit='RestrictAddressFamilies=AF_NETLINK'
attack() { makes_socket 16 3 0; }
