# moves its workspace away, to put a link in its place
wall='owner of its directory'
ways=bare
attack() { mv "$mine/workspace" "$mine/elsewhere"; }
open() { loosen "$mine"; }
close() { mv "$mine/elsewhere" "$mine/workspace"; }
