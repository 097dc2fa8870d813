# reads the key that secrets of the machine are encrypted with
wall='its mode'
prepare() { systemd-creds setup >/dev/null; }
attack() { cat /var/lib/systemd/credential.secret; }
open() { loosen /var/lib/systemd/credential.secret; }
