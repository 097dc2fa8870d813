# reads the memory of a process by a system call
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=process_vm_readv'
attack() { kernel 310 "$$" 0 0 0 0 0; }
