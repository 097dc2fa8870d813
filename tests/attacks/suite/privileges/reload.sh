# asks systemd to read its units anew
wall='only root may; the cage has no bus'
ways=bare
as_root=yes
attack() { systemctl --no-ask-password daemon-reload; }
