# puts a task on its way that says who sent it and how far it is trusted
wall='mode of transit/; the cage has none'
open_unit='BindPaths=/srv/conos/transit'
attack() { mkdir /srv/conos/transit/.mine; }
open() { loosen /srv/conos/transit; }
close() { rmdir /srv/conos/transit/.mine; }
