# appends a note after it got into the group of people
wall='an ACL of the inboxes only; no agent is a person to the service'
ways=bare
as_root=yes
prepare() { gpasswd --add a-attacker conos; }
attack() { conos-audit append --type note.attack --payload '{}'; }
close() { gpasswd --delete a-attacker conos; }
