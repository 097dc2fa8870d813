# reads a file that everybody may read in the home of another agent
wall='mode of the home; the cage has no other home in it'
open_unit='BindReadOnlyPaths=/home/a-victim'
prepare() { does victim 'echo secret >~/secret; chmod 0666 ~/secret'; }
attack() { cat /home/a-victim/secret; }
open() { loosen /home/a-victim; }
