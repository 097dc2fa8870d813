# reads a task that another agent has done, by its name
wall='mode of processed/; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { does victim 'echo secret' && tell "$victim"/processed/*.task; }
attack() { cat "$(told)"; }
open() { loosen "$victim" "$victim/processed" "$victim"/processed/*; }
