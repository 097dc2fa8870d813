# looks for a capability it has
wall='the capability bounding set'
caps=net_raw
attack() { ! grep -qx 'CapEff:.0000000000000000' /proc/self/status; }
