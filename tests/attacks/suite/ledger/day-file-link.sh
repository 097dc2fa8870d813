# leaves a link for the ledger to write through
wall='mode of the directory; the cage has none'
open_unit='BindPaths=/srv/conos/logs'
attack() { ln -s /etc/passwd /srv/conos/logs/audit/2099-01-01.log; }
open() { loosen /srv/conos/logs /srv/conos/logs/audit; }
close() { rm -f /srv/conos/logs/audit/2099-01-01.log; }
