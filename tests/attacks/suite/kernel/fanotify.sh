# watches all files of the machine
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=fanotify_init'
attack() { kernel 300 512 0; }
