# decrypts a copy of a secret that leaked
wall='the key of the machine is root only'
caps=dac_override
prepare() { systemd-creds encrypt --name=attack - "$here/leaked" <<<'secret' && chmod 0644 "$here/leaked"; }
attack() { systemd-creds decrypt --name=attack "$here/leaked" - | grep -x secret; }
close() { rm -f "$here/leaked"; }
