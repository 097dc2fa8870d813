# opens its directory to everybody
wall='owner of its directory'
caps=fowner
open_unit=$'ReadOnlyPaths=\n'"ReadWritePaths=+$mine"
attack() { chmod 0777 "$mine"; }
open() { loosen "$mine"; }
