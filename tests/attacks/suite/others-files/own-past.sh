# removes a task it has done
wall='owner of processed/; read-only in the cage'
open_unit="ReadWritePaths=+$mine/processed"
prepare() { put "$mine/processed/past.task"; }
attack() { rm -f "$mine/processed/past.task" && [[ ! -e $mine/processed/past.task ]]; }
open() { loosen "$mine/processed"; }
