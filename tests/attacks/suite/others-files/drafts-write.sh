# writes an answer for another agent that is still at work
wall='mode of the drafts; the cage has no other agent in it'
open_unit="BindPaths=$victim"
prepare() { keeps_busy victim 'true' && tell "$victim"/drafts/*/response; }
attack() { can_write "$(told)"; }
open() { loosen "$victim" "$victim/drafts" "$victim"/drafts/* "$(told)"; }
