# changes the answer of the task before it in the same activation
wall='Landlock'
ways=cage
prepare()
{
  asleep attacker && echo 16 >/var/lib/conos/pace/attacker &&
    drop root "$mine/inbox" batch-1.task <<<'go' && drop root "$mine/inbox" batch-2.task <<<'go'
}
attack()
{
  if [[ $CONOS_TASK == batch-2 ]]; then echo FORGED >"$mine/drafts/batch-1/response"; fi
  later
}
harm() { said_anywhere attacker FORGED; }
