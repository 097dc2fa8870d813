# gives itself money with the tool for it
wall='mode of /var/lib/conos'
ways=bare
as_root=yes
attack() { conos-budget set --usd-day 5 '*'; }
close() { conos-budget set --clear '*'; }
