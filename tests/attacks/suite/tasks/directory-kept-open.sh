# hands in a directory that it holds open, to fill it for ever
wall='what is no task is described and removed'
ways=bare
attack()
{
  perl -e 'mkdir("held"); mkdir("held/x"); opendir(D, "held"); rename("held", "$ARGV[0]/held.task") or die;
    close(STDOUT); close(STDERR); fork and exit; chdir(D); sleep 2; open(F, ">", "filled") and print F "more\n"; sleep 1' \
    "$mate/inbox" && later
}
harm()
{
  receipt held >/dev/null
  sleep 2.5
  [[ $(find "$mate" -name filled) ]]
}
naive() { mkdir -p "$mate/failed/held.directory" && put "$mate/failed/held.directory/filled"; }
record() { recorded task.refused not-a-file; }
