# leaves a .bashrc in the home of another agent
wall='mode of the home; the cage has no other home in it'
open_unit='BindPaths=/home/a-victim'
attack() { put /home/a-victim/.bashrc; }
open() { loosen /home/a-victim; }
close() { rm -f /home/a-victim/.bashrc; }
