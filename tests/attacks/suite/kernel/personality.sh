# has its programs' memory laid out where an exploit expects it
wall='LockPersonality'
ways=cage
open_unit='LockPersonality=no'
attack() { setarch --addr-no-randomize true; }
