# puts a socket of its own in the place of a door
wall='owner of the directory; the cage has no doors but its own'
open_unit='BindPaths=/run/conos/doors'
attack() { mkdir /run/conos/doors/.mine; }
open() { loosen /run/conos/doors; }
close() { rmdir /run/conos/doors/.mine; }
