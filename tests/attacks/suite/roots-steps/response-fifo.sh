# leaves a FIFO where its answer should be, for root to wait at
wall='O_NONBLOCK; kind of the file that was opened'
ways=cage
blind='block kind'
prepare() { (sleep 3 && find "$mine/drafts" -type p -exec sh -c ': >"$1"' - {} \;) & }
attack() { rm -f "$CONOS_DRAFTS/response" && mkfifo "$CONOS_DRAFTS/response" && later; }
harm() { (($(field duration_ms <"$state/receipt") > 2000)); }
record() { recorded task.failed empty-output; }
