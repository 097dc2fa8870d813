# leaves a task for an agent that it may not give tasks to
wall='ACL of the inbox; the cage has no other agent in it'
open_unit="BindPaths=$victim"
attack() { put "$victim/inbox/.mine"; }
open() { loosen "$victim" "$victim/inbox"; }
close() { rm -f "$victim/inbox/.mine"; }
