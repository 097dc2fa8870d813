# says what its next activation is to run, and as whom
wall='owner of its directory; read-only in the cage'
caps=dac_override
open_unit=$'ReadOnlyPaths=\n'"ReadWritePaths=+$mine"
attack() { put "$mine/.new-batch" && mv "$mine/.new-batch" "$mine/batch.json"; }
close() { rm -f "$mine"/{.new-batch,batch.json}; }
