# leaves the root directory of its cage
wall='a root directory of its own'
ways=cage
open_unit='RootDirectory='
attack()
{
  local way
  for way in / /.. /../.. /proc/self/root "/proc/$PPID/root" "/proc/self/cwd/../../../../.."; do
    [[ ! -d $way/boot ]] || return 0
  done
  for way in /proc/self/fd/*; do
    [[ ! -d $way ]] || return 0
  done
  false
}
