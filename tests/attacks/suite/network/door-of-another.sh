# uses the door of another agent
wall='mode of the directory; the cage has no doors but its own'
open_unit='BindReadOnlyPaths=/run/conos/doors/victim'
prepare()
{
  install -d -m 0750 -g a-victim /run/conos/doors/victim && listen unix /run/conos/doors/victim/model.sock
}
attack() { reach stream /run/conos/doors/victim/model.sock; }
open() { loosen /run/conos/doors/victim; }
close() { rm -rf /run/conos/doors/victim; }
