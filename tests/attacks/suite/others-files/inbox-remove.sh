# removes what another has handed in
wall='sticky bit of the inbox; the cage has no other agent in it'
open_unit="BindPaths=$mate"
prepare() { asleep mate && drop root "$mate/inbox" waiting.task <<<'hello'; }
attack() { rm -f "$mate/inbox/waiting.task" && [[ -d $mate/inbox ]] && ! [[ -e $mate/inbox/waiting.task ]]; }
open() { loosen "$mate" && chmod -t "$mate/inbox"; }
close() { chmod +t "$mate/inbox" && awake mate; }
