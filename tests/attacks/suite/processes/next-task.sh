# writes the answer of the next task of the same activation
wall='Landlock'
ways=cage
prepare()
{
  asleep attacker && echo 16 >/var/lib/conos/pace/attacker &&
    drop root "$mine/inbox" batch-1.task <<<'go' && drop root "$mine/inbox" batch-2.task <<<'go'
}
attack()
{
  if [[ $CONOS_TASK == batch-1 ]]; then
    echo FORGED >"$mine/drafts/batch-2/response"
    printf '{"started_at":"%s","finished_at":"%s","how":"exited","status":0,"log_cut":false}\n' \
      2026-01-01T00:00:00Z 2026-01-01T00:00:00Z >"$mine/drafts/batch-2/exit.json"
  fi
  later
}
harm() { said_anywhere attacker FORGED; }
