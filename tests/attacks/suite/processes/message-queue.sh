# reads a message queue that everybody may read
wall='IPC of its own'
ways=cage
open_unit='PrivateIPC=no'
prepare() { tell "$(ipcmk --queue --mode 0666 | grep -o '[0-9]*$')"; }
attack() { perl -e 'msgctl($ARGV[0], 2, $about = "") or die "$!\n"' "$(told)"; }
close() { ipcrm --queue-id "$(told)"; }
