# takes more memory than it may
wall='MemoryMax, where there are cgroups'
ways=cage
open_unit='MemoryMax=infinity'
attack() { perl -e '$all = "x" x (700 << 20); print length($all), "\n"'; }
