# unlocks the configuration with the tool for it
wall='only root may'
ways=bare
as_root=yes
attack() { conos-bootstrap --unlock; }
close() { conos-bootstrap; }
