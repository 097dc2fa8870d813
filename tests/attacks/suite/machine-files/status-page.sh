# puts a page of its own where people look for the machine's state
wall='owner and mode of the directory; the cage has none'
open_unit='BindPaths=/srv/conos/status'
attack() { can_write /srv/conos/status/index.html || put /srv/conos/status/.mine; }
open() { loosen /srv/conos/status; }
close() { rm -f /srv/conos/status/.mine; }
