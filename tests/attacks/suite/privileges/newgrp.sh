# joins the group of people by the program for it
wall='it is no member; NoNewPrivileges'
open_unit="$no_seccomp"
attack() { sg conos -c 'id -Gn' </dev/null | grep -w conos; }
open() { gpasswd --add a-attacker conos; }
close() { gpasswd --delete a-attacker conos; }
