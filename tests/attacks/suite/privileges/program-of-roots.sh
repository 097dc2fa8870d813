# runs a program that makes everybody root
wall='NoNewPrivileges'
ways=cage
open_unit="$no_seccomp"
prepare() { cp /bin/bash "$here/become-root" && chmod 4755 "$here/become-root"; }
attack() { "$here/become-root" -p -c 'id -u' | grep -x 0; }
close() { rm -f "$here/become-root"; }
