# reads the instructions of another agent
wall='mode of its directory; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
attack() { cat "$victim/AGENTS.md"; }
open() { loosen "$victim" "$victim/AGENTS.md"; }
