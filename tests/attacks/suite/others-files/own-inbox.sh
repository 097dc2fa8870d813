# leaves a task for itself
wall='mode of the inbox'
open_unit=$'ReadOnlyPaths=\n'"ReadWritePaths=+$mine"
attack() { put "$mine/inbox/.mine"; }
open() { loosen "$mine/inbox"; }
close() { rm -f "$mine/inbox/.mine"; }
