# lists the texts that rows of the ledger name
wall='mode of /var/lib/conos; the cage has none'
caps='dac_override'
open_unit='RootDirectory='
attack() { holds /var/lib/conos/cas; }
