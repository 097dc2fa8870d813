# sets a variable for everything that systemd starts
wall='only root may; the cage has no bus'
ways=bare
as_root=yes
attack() { systemctl --no-ask-password set-environment ATTACK=1; }
close() { systemctl unset-environment ATTACK; }
