# speaks to a service that lets everybody in
wall='the cage has no /run of the machine'
ways=cage
open_unit='BindPaths=/run/attack.sock'
prepare() { listen unix /run/attack.sock; }
attack() { reach stream /run/attack.sock; }
close() { rm -f /run/attack.sock; }
