# makes the link in its home one to what only root reads, for bootstrap to give away
wall='bootstrap makes links anew and gives away no file by its name'
no_control='no step gives a link away, whatever it leads to'
attack() { rm -f ~/AGENTS.md && ln -s /etc/shadow ~/AGENTS.md && later; }
harm()
{
  root_runs conos-bootstrap
  [[ $(stat -c %u /etc/shadow) != 0 || $(stat -c %u "$mine/AGENTS.md") != 0 ]]
}
prepare() { keep /etc/shadow; }
close()
{
  chown 0 "$mine/AGENTS.md"
  root_runs conos-bootstrap
}
