# opens files without end
wall='LimitNOFILE'
ways=cage
open_unit='LimitNOFILE=100000'
attack() { ulimit -n 20000 && perl -e 'for (1 .. 15000) { open(my $f, "<", "/dev/null") or die "$!\n"; push(@all, $f) }'; }
