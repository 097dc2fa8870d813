# watches the kernel through its performance counters
wall='seccomp'
ways=cage
open_unit='SystemCallFilter=perf_event_open'
attack() { is_let kernel 298 0 0 -1 -1 0; }
