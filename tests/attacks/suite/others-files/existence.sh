# asks whether another agent had a task, by its name
wall='mode of processed/; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { does victim 'echo secret' && tell "$victim"/processed/*.json; }
attack() { [[ -e $(told) ]]; }
open() { loosen "$victim" "$victim/processed"; }
