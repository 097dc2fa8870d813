# writes to the ledger
wall='mode of /var/lib/conos; the cage has none'
caps=dac_override
open_unit='BindPaths=/var/lib/conos'
attack() { can_write /var/lib/conos/audit.db; }
