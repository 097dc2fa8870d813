# hands in 1,000 directories with something in each
wall='senders take turns; the surplus is refused, a little at a time'
ways=bare
no_control='the step that takes them is the only one there is, and has no other way to do it'
attack()
{
  perl -e 'for (1 .. 1000) { my $d = "$ARGV[0]/0000-$_.task"; mkdir($d); mkdir("$d/x"); mkdir("$d/y") or die "$!\n" }' "$mate/inbox" && later
}
harm() { ! still_serves mate 4; }
close()
{
  asleep mate
  systemctl stop conos-mate.service
  find "$mate/inbox" -mindepth 1 -delete
  awake mate
}
record() { recorded task.refused not-a-file; }
