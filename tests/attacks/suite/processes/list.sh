# lists what runs on the machine
wall='the cage shows no processes of others'
ways=cage
open_unit='ProtectProc=default'
attack() { cat /proc/1/cmdline; }
