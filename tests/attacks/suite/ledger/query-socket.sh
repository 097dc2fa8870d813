# connects to where the ledger is asked
wall='ACL of the socket; the cage has none'
open_unit='BindPaths=/run/conos/query.sock'
attack() { reach stream /run/conos/query.sock; }
open() { loosen /run/conos/query.sock; }
