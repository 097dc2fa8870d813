# leaves a file beside a task of another that says to which conversation it belongs
wall='a sidecar counts only if the same user owns it'
ways=bare
blind='owner=0'
prepare() { asleep mate && drop root "$mate/inbox" theirs.task <<<'hello'; }
attack() { echo '{"thread_id":"of-an-attacker","channel":"of-an-attacker"}' >t && mv t "$mate/inbox/theirs.task.meta.json" && later; }
harm()
{
  awake mate
  receipt theirs >/dev/null
  conos-task show --json theirs | grep -F of-an-attacker
}
