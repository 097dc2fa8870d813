# lists what waits for an agent that it may give tasks to
wall='ACL of the inbox; the cage has no other agent in it'
open_unit="BindPaths=$mate"
prepare() { asleep mate && drop root "$mate/inbox" waiting.task <<<'hello'; }
attack() { holds "$mate/inbox"; }
open() { loosen "$mate" "$mate/inbox"; }
close() { awake mate; }
