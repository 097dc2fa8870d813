# adds a line to what people read of the ledger
wall='mode of the directory; the cage has none'
open_unit='BindPaths=/srv/conos/logs'
prepare() { tell "$(find /srv/conos/logs/audit -name '*.log' | head -n 1)" && [[ $(told) ]]; }
attack() { can_write "$(told)"; }
open() { loosen /srv/conos/logs /srv/conos/logs/audit "$(told)"; }
