# changes what it was asked while it works on it
wall='owner of claimed/; read-only in the cage'
ways=cage
caps=dac_override
open_unit=$'ReadOnlyPaths=\n'"ReadWritePaths=+$mine"
attack() { put "$mine/claimed/$CONOS_TASK/meta.json"; }
