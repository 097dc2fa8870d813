# leaves a task for itself
wall='mode of the inbox'
open_unit="ReadWritePaths=+$mine/inbox"
attack() { put "$mine/inbox/.mine"; }
open() { loosen "$mine/inbox"; }
close() { rm -f "$mine/inbox/.mine"; }
