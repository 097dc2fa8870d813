# reads a conversation another agent remembers
wall='mode of threads/; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare()
{
  receipt "$(printf '#!script\necho secret\nexit 0\n' | conos-task new --direct victim --thread t1)" &&
    tell "$victim"/threads/*
}
attack() { holds "$(told)"; }
open() { loosen "$victim" "$victim/threads" "$victim"/threads/*; }
