# appends a row of a kind that only root writes
wall='the service goes by the uid the kernel tells it'
ways=bare
as_root=yes
prepare() { loosen /run/conos/audit.sock; }
attack() { conos-audit append --type contract.healed --payload '{}'; }
harm() { recorded contract.healed; }
