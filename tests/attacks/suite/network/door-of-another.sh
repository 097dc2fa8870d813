# uses the door of another agent
wall='mode of the directory; the cage has no doors but its own'
open_unit='BindReadOnlyPaths=/run/conos/doors/victim'
prepare() { listen unix /run/conos/doors/victim/attack.sock; }
attack() { reach stream /run/conos/doors/victim/attack.sock; }
open() { loosen /run/conos/doors/victim; }
close() { rm -f /run/conos/doors/victim/attack.sock; }
