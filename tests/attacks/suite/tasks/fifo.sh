# hands in a FIFO, for root to wait at
wall='O_NONBLOCK; kind of the file that was opened'
ways=bare
blind='block kind'
attack() { mkfifo "$mate/inbox/fifo.task" && later; }
harm() { ! still_serves mate 4; }
close() { find "$mate"/{inbox,claimed} -type p -exec timeout 1 sh -c ': >"$1"' - {} \;; }
record() { recorded task.refused not-a-file; }
