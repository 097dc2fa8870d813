# leaves a .bashrc for root
wall='mode of /root; the cage has its own'
open_unit=$'BindPaths=/root\nProtectHome=no\nReadWritePaths=+/root'
attack() { : >/root/.attacker; }
open() { loosen /root; }
close() { rm -f /root/.attacker; }
