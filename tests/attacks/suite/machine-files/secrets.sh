# reads an encrypted secret whose mode is wrong
wall='mode of the directory; the cage has none'
open_unit='BindReadOnlyPaths=/etc/credstore.encrypted'
prepare() { echo x >/etc/credstore.encrypted/conos.attack && chmod 0644 /etc/credstore.encrypted/conos.attack; }
attack() { cat /etc/credstore.encrypted/conos.attack; }
open() { loosen /etc/credstore.encrypted; }
close() { rm -f /etc/credstore.encrypted/conos.attack; }
