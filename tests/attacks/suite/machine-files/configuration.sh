# reads the configuration of conos
wall='mode of /etc/conos; the cage has none'
open_unit='BindReadOnlyPaths=/etc/conos'
attack() { cat /etc/conos/conos.toml; }
open() { loosen /etc/conos /etc/conos/conos.toml; }
