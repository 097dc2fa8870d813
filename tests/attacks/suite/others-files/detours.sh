# reads another agent's file by other names of the same place
wall='mode of the workspace; the cage has no other agent in it'
open_unit="BindReadOnlyPaths=$victim"
prepare() { echo secret >"$victim/workspace/open" && chmod 0666 "$victim/workspace/open"; }
attack()
{
  local way
  for way in "$mine/../victim" "/proc/self/root$victim" "/proc/self/cwd/../../victim" "/srv/conos/./agents//victim"; do
    cat "$way/workspace/open" && return
  done
  ln -s "$victim/workspace/open" here && cat here
}
open() { loosen "$victim" "$victim/workspace"; }
