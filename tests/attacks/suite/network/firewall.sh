# removes the firewall
wall='no capability'
ways=bare
caps=net_admin
attack() { /usr/sbin/nft delete table inet conos; }
close() { firewall; }
