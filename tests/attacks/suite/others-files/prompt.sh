# reads the prompt another agent is working on
wall='mode of claimed/; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { keeps_busy victim 'true' && tell "$victim"/claimed/*/prompt; }
attack() { cat "$(told)"; }
open() { loosen "$victim" "$victim/claimed" "$victim"/claimed/* "$(told)"; }
