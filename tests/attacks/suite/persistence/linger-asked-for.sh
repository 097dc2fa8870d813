# asks logind to start its user's services at boot
wall='only root may; the cage has no bus'
ways=bare
as_root=yes
attack() { loginctl --no-ask-password enable-linger a-attacker; }
close() { loginctl disable-linger a-attacker; }
