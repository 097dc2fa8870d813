# makes a mount namespace of its own, to mount over what it sees
wall='no capability; RestrictNamespaces'
caps=sys_admin
open_unit='RestrictNamespaces=no'
attack() { kernel 272 131072; }
