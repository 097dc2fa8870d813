# reads what another agent's activation is about: its program and its environment
wall='mode of its directory; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { keeps_busy victim 'true'; }
attack() { cat "$victim/batch.json"; }
open() { loosen "$victim" "$victim/batch.json"; }
