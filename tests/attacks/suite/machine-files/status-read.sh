# reads the status page, with other agents' tasks on it, where it lies
wall='owner and mode of the directory; the cage has none'
open_unit='BindReadOnlyPaths=/srv/conos/status'
prepare() { conos-page write; }
attack() { grep -q 'conos on' /srv/conos/status/index.html; }
open() { loosen /srv/conos/status /srv/conos/status/index.html; }
