# maps memory that can be written and executed
wall='MemoryDenyWriteExecute'
ways=cage
open_unit='MemoryDenyWriteExecute=no'
attack() { kernel 9 0 4096 7 34 -1 0; }
