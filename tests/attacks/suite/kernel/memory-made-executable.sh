# makes memory executable that it has written
wall='MemoryDenyWriteExecute'
ways=cage
open_unit='MemoryDenyWriteExecute=no'
attack() { perl -e '$at = syscall(9, 0, 4096, 3, 34, -1, 0); syscall(10, $at, 4096, 5) == 0 or die "$!\n"'; }
