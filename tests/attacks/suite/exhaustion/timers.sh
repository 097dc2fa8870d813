# makes timers in the kernel's memory without end
wall='LimitSIGPENDING'
ways=cage
open_unit='LimitSIGPENDING=infinity'
attack() { perl -e 'my $timer = "\0" x 8; for (1 .. 3000) { syscall(222, 1, 0, $timer) == 0 or die "$!\n" }'; }
