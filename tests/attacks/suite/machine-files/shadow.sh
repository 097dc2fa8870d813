# reads the password file
wall='its mode'
attack() { cat /etc/shadow; }
open() { loosen /etc/shadow; }
