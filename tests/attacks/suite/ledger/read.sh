# reads the ledger
wall='mode of /var/lib/conos; the cage has none'
caps=dac_override
open_unit='RootDirectory='
attack() { head -c 16 /var/lib/conos/audit.db | grep SQLite; }
