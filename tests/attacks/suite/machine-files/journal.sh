# reads the journal of the machine
wall='its mode; the cage has none'
open_unit='BindReadOnlyPaths=/var/log'
prepare() { tell /var/log/journal/*/system.journal; }
attack() { head -c 1 "$(told)"; }
open() { loosen "$(told)"; }
