# leaves a journal by which SQLite would roll the ledger back
wall='mode of /var/lib/conos; the cage has none'
caps=dac_override
open_unit='BindPaths=/var/lib/conos'
attack() { put /var/lib/conos/audit.db-journal; }
close() { rm -f /var/lib/conos/audit.db-journal; }
