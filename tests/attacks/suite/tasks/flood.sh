# hands in 10,000 tasks, whose names come before those of others
wall='senders take turns; the surplus is refused, a little at a time'
ways=bare
as_root=yes
attack()
{
  perl -e 'for (1 .. 10000) { open(F, ">", "$ARGV[0]/0000-$_.task") or die "$!\n"; print F "me first\n" }' "$mate/inbox" && later
}
harm() { ! still_serves mate 6; }
record() { recorded task.refused inbox-full; }
close()
{
  asleep mate
  systemctl stop conos-mate.service
  find "$mate/inbox" -mindepth 1 -delete
  awake mate
}
