# asks systemd to run something as root
wall='only root may; the cage has no bus'
ways=bare
as_root=yes
attack() { systemd-run --quiet --wait --no-ask-password true; }
