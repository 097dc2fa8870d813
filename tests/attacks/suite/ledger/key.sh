# reads the key that checkpoints of the ledger are signed with
wall='mode of /var/lib/conos; the cage has none'
caps=dac_override
open_unit='RootDirectory='
attack() { cat /var/lib/conos/audit.key; }
