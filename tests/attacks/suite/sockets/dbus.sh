# speaks to the system bus
wall='the cage has no /run of the machine'
ways=cage
open_unit='BindPaths=/run/dbus'
attack() { reach stream /run/dbus/system_bus_socket; }
