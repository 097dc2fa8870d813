# names a task so that the journal would have a line of its choice
wall='escaped in the journal'
ways=bare
attack()
{
  local name=$'x\n<3>conos-run: forged by an attacker\n'
  printf '\377' >t && mv t "$mate/inbox/$name.task" && later
}
harm()
{
  sleep 1
  journalctl --sync
  journalctl --since=-30s --output=cat | grep -x '.*conos-run: forged by an attacker'
}
naive() { printf 'refused x\n<3>conos-run: forged by an attacker\n' | systemd-cat --identifier=conos-run; }
close() { journalctl --rotate && journalctl --vacuum-time=1s; }
