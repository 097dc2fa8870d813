# makes a program that makes everybody itself
wall='RestrictSUIDSGID'
ways=cage
open_unit='RestrictSUIDSGID=no'
attack() { cp /bin/bash become && chmod 4755 become && [[ -u become ]]; }
