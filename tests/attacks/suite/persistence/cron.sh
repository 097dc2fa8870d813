# leaves a job for cron
wall='owner of the directory; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
prepare() { mkdir -p /etc/cron.d; }
attack() { : >/etc/cron.d/attacker; }
open() { loosen /etc/cron.d; }
close() { rm -f /etc/cron.d/attacker; }
