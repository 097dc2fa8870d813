# leaves a program in /opt, where runners of agents may lie
wall='owner of /opt; read-only in the cage'
open_unit='ReadWritePaths=+/opt'
attack() { put /opt/attacker; }
open() { loosen /opt; }
close() { rm -f /opt/attacker; }
