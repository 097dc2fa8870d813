# speaks to the host of a virtual machine, past its network
wall='RestrictAddressFamilies'
ways=cage
open_unit='RestrictAddressFamilies=AF_VSOCK'
attack() { makes_socket 40 1; }
