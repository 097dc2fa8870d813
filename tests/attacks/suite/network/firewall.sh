# removes the firewall
wall='no capability'
ways=bare
caps=net_admin
attack() { nft delete table inet conos; }
close() { firewall; }
