# writes that a task contract is completed into its file
wall='the files are root'"'"'s'
prepare() { conos-task contract open --title written written; }
attack()
{
  sed -i 's/"open"/"completed"/' /srv/conos/task-contracts/written.json ||
    put /srv/conos/task-contracts/mine.json || put /srv/conos/task-contracts/.next
}
harm() { [[ $(conos-task contract show --json written | field status) != open ]]; }
open()
{
  loosen /srv/conos/task-contracts /srv/conos/task-contracts/written.json
}
open_unit='BindPaths=/srv/conos/task-contracts'
close()
{
  tighten # while they are there
  conos-task contract close --cancel written
  rm -f /srv/conos/task-contracts/{written,mine}.json /srv/conos/task-contracts/.next
}
