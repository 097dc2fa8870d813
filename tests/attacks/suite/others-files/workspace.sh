# reads a file that everybody may read in the workspace of another agent
wall='mode of the workspace; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { echo secret >"$victim/workspace/open" && chmod 0666 "$victim/workspace/open"; }
attack() { cat "$victim/workspace/open"; }
open() { loosen "$victim" "$victim/workspace"; }
