# hands a task in where people do
wall='mode of the inbox; the cage has none'
open_unit='BindPaths=/srv/conos/inbox'
attack() { put /srv/conos/inbox/.mine; }
open() { loosen /srv/conos/inbox; }
close() { rm -f /srv/conos/inbox/.mine; }
