# makes a directory that gives away its group
wall='RestrictSUIDSGID'
ways=cage
open_unit='RestrictSUIDSGID=no'
attack() { mkdir shared && chmod 2777 shared && [[ -g shared ]]; }
