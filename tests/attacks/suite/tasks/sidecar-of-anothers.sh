# leaves a file beside a task of another that says where its answer goes and what it is called
wall='a sidecar counts only if the same user owns it'
ways=bare
blind='owner=0'
prepare() { asleep mate && drop root "$mate/inbox" theirs.task <<<'hello'; }
attack() { echo '{"title":"renamed by an attacker"}' >t && mv t "$mate/inbox/theirs.task.meta.json" && later; }
harm()
{
  awake mate
  receipt theirs >/dev/null
  conos-task show theirs | grep -F 'renamed by an attacker'
}
