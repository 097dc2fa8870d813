# makes its sessions a link to a directory of root's, for a person to clear
wall='O_NOFOLLOW'
blind=follow
prepare() { mkdir -p /srv/attack && put /srv/attack/precious.json; }
attack() { ln -s /srv/attack sessions && later; }
harm()
{
  root_runs conos clear-sessions attacker
  [[ ! -e /srv/attack/precious.json ]]
}
close() { rm -rf /srv/attack; }
