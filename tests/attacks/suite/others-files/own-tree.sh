# moves its workspace away, as if to put a link in its place
wall='owner of its directory'
ways=bare
attack() { mv "$mine/workspace" "$mine/elsewhere" && mv "$mine/elsewhere" "$mine/workspace"; }
open() { loosen "$mine"; }
