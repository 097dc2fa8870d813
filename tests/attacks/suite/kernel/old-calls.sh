# calls the kernel by its 32-bit door, which has other numbers
wall='SystemCallArchitectures'
ways=cage
open_unit='SystemCallArchitectures='
attack() { "$here/old-call"; }
