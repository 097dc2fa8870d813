# leaves a key and a profile for a login of its own
wall='its shell is no shell'
attack() { mkdir -p ~/.ssh && put ~/.ssh/authorized_keys && printf 'touch ~/logged-in\n' | tee ~/.profile >~/.bash_profile && later; }
harm()
{
  su - a-attacker -c true </dev/null
  [[ -e /home/a-attacker/logged-in ]]
}
open() { keep /etc/passwd && usermod --shell /bin/bash a-attacker; }
