# reads memory that a service shares with everybody
wall='IPC of its own'
ways=cage
open_unit='PrivateIPC=no'
prepare() { tell "$(ipcmk --shmem 4096 --mode 0666 | grep -o '[0-9]*$')"; }
attack() { perl -e 'shmread($ARGV[0], $what, 0, 16) or die "$!\n"' "$(told)"; }
close() { ipcrm --shmem-id "$(told)"; }
