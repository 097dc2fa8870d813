# leaves a repository whose hooks and settings would run its programs
wall='no step of root runs git, make or a shell in what is an agent'"'"'s'
attack()
{
  mkdir -p .git/hooks && cp /usr/bin/true .git/hooks/post-commit &&
    printf '#!/bin/sh\ntouch /srv/attack-mark\n' | tee .git/hooks/post-checkout .envrc Makefile ~/.bashrc >.git/fsmonitor &&
    printf '[core]\n\tfsmonitor = .git/fsmonitor\n' >.git/config && chmod -R +x . && later
}
harm()
{
  root_runs conos-bootstrap
  root_runs conos doctor
  root_runs conos status
  root_runs conos-run sweep
  [[ -e /srv/attack-mark ]]
}
naive() { (cd "$mine/workspace" && .git/fsmonitor); }
close() { rm -f /srv/attack-mark; }
