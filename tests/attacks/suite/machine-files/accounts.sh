# adds an account
wall='owner of the file; read-only in the cage'
open_unit='ReadWritePaths=+/etc'
attack() { can_write /etc/passwd; }
open() { loosen /etc/passwd; }
