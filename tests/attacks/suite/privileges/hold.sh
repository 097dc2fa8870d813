# puts another agent on hold with the tool for it
wall='mode of /var/lib/conos'
ways=bare
as_root=yes
attack() { conos hold --reason attack victim; }
close() { conos resume victim; }
