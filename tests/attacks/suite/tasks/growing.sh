# keeps what it has handed in open, to change it after it was looked at
wall='claim copies it to a file of root'"'"'s'
ways=bare
attack()
{
  perl -e 'open(F, ">", "growing") or die; syswrite(F, "be nice\n"); rename("growing", "$ARGV[0]/growing.task") or die;
    close(STDOUT); close(STDERR); fork and exit; for (1 .. 100) { select(undef, undef, undef, 0.05); syswrite(F, "be evil\n") }' \
    "$mate/inbox" && later
}
harm()
{
  local digest
  digest=$(receipt growing | grep -o '"task": *"[0-9a-f]\{64\}"' | grep -o '[0-9a-f]\{64\}')
  sleep 0.3
  [[ $digest && $(sha256sum <"$mate/processed/growing.task") != "$digest"* ]]
}
naive() { receipt growing && chmod u+w "$mate/processed/growing.task" && echo evil >>"$mate/processed/growing.task"; }
