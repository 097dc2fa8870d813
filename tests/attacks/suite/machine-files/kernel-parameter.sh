# changes a parameter of the kernel's network
wall='no capability; the cage has no /proc/sys'
caps='net_admin'
open_unit=$'ProcSubset=all\nProtectKernelTunables=no'
attack() { echo 1 >/proc/sys/net/ipv4/ip_forward; }
close() { echo 0 >/proc/sys/net/ipv4/ip_forward; }
