# uses up what the kernel lets root watch files with, so that no inbox wakes anybody
wall='seccomp: what is in a user namespace counts as its maker'"'"'s'
ways=cage
open_unit='SystemCallFilter=inotify_init1'
attack() { kernel 294 0; }
