# reads what another has handed in for an agent, by its name
wall='mode that tasks are handed in with; the cage has no other agent in it'
open_unit="BindPaths=$mate"
prepare() { asleep mate && tell "$(conos-task new --direct mate 'secret')"; }
attack() { cat "$mate/inbox/$(told).task"; }
open() { loosen "$mate" "$mate/inbox/$(told).task"; }
close() { awake mate; }
