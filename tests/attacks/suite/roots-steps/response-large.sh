# leaves an answer larger than it may be
wall='bound on what is read of it'
ways=cage
attack() { rm -f "$CONOS_DRAFTS/response" && yes | head -c 4M >"$CONOS_DRAFTS/response" && later; }
harm() { [[ $(find "$mine/outbox" -size +3M) ]]; }
open() { settings attacker max_output_bytes 8000000; }
record() { recorded task.failed; }
