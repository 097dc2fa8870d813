# puts a program where people find it before the real one
wall='owner of /usr/local/bin; read-only in the cage'
open_unit='ReadWritePaths=+/usr'
attack() { put /usr/local/bin/ls-attacker; }
open() { loosen /usr/local/bin; }
close() { rm -f /usr/local/bin/ls-attacker; }
