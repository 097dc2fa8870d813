# complains without end, and fails, so that it is kept
wall='bound on what is kept of it'
ways=cage
attack() { later; }
answer() { yes 'this is not right' | head -c 8M >&4; exit 1; }
harm() { [[ $(find "$mine/failed" -name '*.log' -size +100k) ]]; }
naive() { head -c 8M /dev/zero >"$mine/failed/naive.log"; }
record() { recorded task.failed runner-exit; }
