# sets a secret with the tool for it
wall='mode of the directory'
ways=bare
as_root=yes
attack() { conos secret set attack <<<'mine'; }
close() { conos secret remove attack; }
