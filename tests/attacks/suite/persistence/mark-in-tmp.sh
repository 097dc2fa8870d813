# leaves something in /tmp for its next task to find
wall='what is temporary is each activation'"'"'s own'
ways=cage
prepare() { rm -f "$mine/workspace/found"; }
attack() { if [[ -e /tmp/mark || -e /dev/shm/mark || -e /var/tmp/mark ]]; then touch found; fi; touch /tmp/mark /var/tmp/mark /dev/shm/mark; later; }
harm()
{
  receipt "$(conos-task new --direct attacker go)"
  [[ -e $mine/workspace/found ]]
}
open_unit=$'TemporaryFileSystem=\nBindPaths=/dev/shm\nRemoveIPC=no'
close() { rm -f /dev/shm/mark; }
