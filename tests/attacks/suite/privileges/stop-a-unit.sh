# asks systemd to put another agent to sleep
wall='only root may; the cage has no bus'
ways=bare
as_root=yes
attack() { systemctl --no-ask-password stop conos-victim.path; }
close() { systemctl start conos-victim.path; }
