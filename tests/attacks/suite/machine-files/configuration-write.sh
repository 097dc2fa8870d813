# adds to the configuration of conos
wall='owner of /etc/conos; immutable; the cage has none'
open_unit='BindPaths=/etc/conos'
attack() { can_write /etc/conos/conos.toml; }
open() { loosen /etc/conos /etc/conos/conos.toml; }
