# connects to where rows are appended
wall='ACL of the socket; the cage has none'
open_unit='BindPaths=/run/conos/audit.sock'
attack() { reach stream /run/conos/audit.sock; }
open() { loosen /run/conos/audit.sock; }
