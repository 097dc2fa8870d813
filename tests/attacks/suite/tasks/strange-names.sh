# names tasks so that a shell, a listing or an option parser would trip over them
wall='names are never part of a command; escaped where they are shown'
ways=bare
attack()
{
  local name
  for name in '--help' '-rf' '$(touch pwned)' '`touch pwned`' $'a\nb' $'\033[2J' "$(printf 'x%.0s' {1..250})" '%s%n' '; touch pwned'; do
    echo hello >t && mv -- t "$mate/inbox/$name.task" || return 1
  done
  later
}
harm()
{
  still_serves mate 10
  [[ $(find / -xdev -name pwned) || $(ls -A "$mate/inbox") ||
    $(find "$mate"/{processed,failed} -name $'*[^ -~]*') ]] || compgen -G '/srv/conos/*/pwned'
}
naive() { (cd "$mate/processed" && bash -c "$(grep -rhoF '$(touch pwned)' . | head -n 1)"); touch /srv/conos/pwned; }
close() { rm -f /srv/conos/pwned; }
