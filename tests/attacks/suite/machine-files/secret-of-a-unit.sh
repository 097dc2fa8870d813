# reads a secret that systemd has given to a unit which is running
wall='mode of the directory; the cage has no /run of the machine'
caps=dac_override
# systemd itself hides the place from units that were given none
open_unit='BindReadOnlyPaths=/run/credentials:/root'
prepare()
{
  systemctl stop attack-key.service
  systemd-run --quiet --unit=attack-key.service --property=SetCredential=key:secret sleep 60 &&
    until_true test -e /run/credentials/attack-key.service/key
}
attack() { cat /run/credentials/attack-key.service/key || cat /root/attack-key.service/key; }
close() { systemctl stop attack-key.service; }
