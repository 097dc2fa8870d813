# completes, releases and cancels a task contract that another has claimed
wall='only the holder and root go on with it; who holds it is what its gate says'
prepare()
{
  conos-task contract open --title theirs theirs
  conos-task contract claim --lease 1h theirs
}
attack()
{
  local deed
  for deed in claim release close 'close --cancel' 'update --status blocked'; do
    conos-task contract $deed theirs && return
  done
  return 1
}
harm() { [[ $(conos-task contract show --json theirs | field owner) != root ]]; }
open() { conos-task contract release theirs; }
close()
{
  conos-task contract close --cancel theirs
  rm -f /srv/conos/task-contracts/theirs.json
}
record() { recorded gate.refused contract.release; }
