# has variables of its own, which a person put into conos.toml, act on root's steps
wall='they are in no unit: work gives them to the program'
ways=cage
open_unit='Environment=LD_DEBUG=libs LD_DEBUG_OUTPUT=/srv/attack-mark'
prepare()
{
  settings attacker environment '["LD_DEBUG=libs","LD_DEBUG_OUTPUT=/srv/attack-mark","LD_LIBRARY_PATH=/home/a-attacker"]'
}
attack() { later; }
harm() { compgen -G '/srv/attack-mark*'; }
close() { rm -f /srv/attack-mark*; }
