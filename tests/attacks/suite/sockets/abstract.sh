# speaks to a service by a name that is in no directory
wall='a network of its own; Landlock (from Linux 6.12)'
ways=cage
open_unit='PrivateNetwork=no'
prepare() { listen unix @attack; }
attack() { reach stream @attack; }
