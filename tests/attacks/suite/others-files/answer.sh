# reads what another agent answered
wall='mode of the outbox; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { does victim 'echo secret'; }
attack() { cat "$victim"/outbox/*.response; }
open() { loosen "$victim" "$victim/outbox" "$victim"/outbox/*; }
