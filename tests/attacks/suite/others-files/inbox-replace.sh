# puts a task of its own in the place of one that another has handed in
wall='sticky bit of the inbox; the cage has no other agent in it'
open_unit="BindPaths=$mate"
prepare() { asleep mate && drop root "$mate/inbox" waiting.task <<<'hello'; }
attack() { put "$mate/inbox/.other" && mv -f "$mate/inbox/.other" "$mate/inbox/waiting.task"; }
open() { loosen "$mate" && chmod -t "$mate/inbox"; }
close() { chmod +t "$mate/inbox" && rm -f "$mate/inbox/.other" && awake mate; }
