# changes a tool of conos
wall='owner of the file; read-only in the cage'
open_unit='ReadWritePaths=+/usr'
attack() { can_write /usr/bin/conos; }
open() { loosen /usr/bin/conos; }
