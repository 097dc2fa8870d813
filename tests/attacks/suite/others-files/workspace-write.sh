# leaves a file in the workspace of another agent
wall='mode of the workspace; the cage has no other agent in it'
open_unit="BindPaths=$victim"
attack() { put "$victim/workspace/.bashrc"; }
open() { loosen "$victim" "$victim/workspace"; }
close() { rm -f "$victim/workspace/.bashrc"; }
