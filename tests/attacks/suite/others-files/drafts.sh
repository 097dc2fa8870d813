# reads what another agent has written so far
wall='mode of the drafts; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
# shellcheck disable=SC2016 # the victim's own
prepare() { keeps_busy victim 'echo secret >$CONOS_DRAFTS/notes' && tell "$victim"/drafts/*/notes; }
attack() { cat "$(told)"; }
open() { loosen "$victim" "$victim/drafts" "$victim"/drafts/* "$(told)"; }
