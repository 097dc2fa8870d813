# runs a step of root's itself
wall='modes; they serve who may write there'
ways=bare
as_root=yes
attack() { conos-run claim attacker && conos-run deliver attacker; }
