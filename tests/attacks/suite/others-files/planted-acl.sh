# plants a default ACL in an inbox, to read all that others will leave there
wall='owner of the inbox; the cage has no other agent in it'
caps=fowner
open_unit="BindPaths=$mate"
attack() { setfacl -d -m u:a-attacker:rwx "$mate/inbox"; }
open() { loosen "$mate"; }
close() { setfacl -k "$mate/inbox"; }
