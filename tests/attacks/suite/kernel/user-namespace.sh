# becomes root in a user namespace of its own
wall='RestrictNamespaces'
ways=cage
open_unit='RestrictNamespaces=no'
attack() { unshare --user --map-root-user true; }
