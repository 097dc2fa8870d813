# changes the copy of its instructions that it is shown
wall='owner of the file; read-only in the cage'
open_unit="ReadWritePaths=+$mine/AGENTS.md"
attack() { can_write "$mine/AGENTS.md"; }
open() { loosen "$mine/AGENTS.md"; }
