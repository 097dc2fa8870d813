# reads a secret that systemd has given to a unit which is running
wall='mode of the directory; the cage has no /run of the machine'
caps=dac_override
open_unit='BindReadOnlyPaths=/run/credentials'
prepare()
{
  systemctl stop attack-key.service
  systemd-run --quiet --unit=attack-key.service --property=SetCredential=key:secret sleep 60 &&
    until_true test -e /run/credentials/attack-key.service/key
}
attack() { cat /run/credentials/attack-key.service/key; }
close() { systemctl stop attack-key.service; }
