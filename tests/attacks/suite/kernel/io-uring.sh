# has the kernel work for it by a ring, past what seccomp sees
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=io_uring_setup'
attack() { perl -e '$ring = "\0" x 120; syscall(425, 8, $ring) >= 0 or die "$!\n"'; }
