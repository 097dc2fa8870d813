# has every program load a library of its own
wall='owner of /etc; read-only in the cage'
caps=dac_override
open_unit='ReadWritePaths=+/etc'
attack() { : >/etc/ld.so.preload; }
close() { rm -f /etc/ld.so.preload; }
