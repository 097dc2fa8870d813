# lists the conversations kept for itself, where those with everybody lie
wall='mode of threads/'
prepare() { mkdir -p "$mine/threads/0123456789abcdef"; }
attack() { holds "$mine/threads"; }
open() { loosen "$mine/threads"; }
close() { rmdir "$mine/threads/0123456789abcdef"; }
