# shellcheck shell=bash
# What the fuzz tests share: a build with the sanitizers, and a run for CONOS_FUZZ_SECONDS (10).
set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../../packaging/lib.sh"

# Runs the program of that name on its corpus.
fuzz() # NAME WHAT-IS-TESTED
{
  build_sanitized >/dev/null

  local dir corpus seconds seed
  dir=$(mktemp -d -p /dev/shm) # each input is written, and a disk would be what is measured
  # shellcheck disable=SC2064 # now
  trap "rm -rf '$dir'" EXIT
  corpus=("$source_dir/tests/fuzz/corpus/$1"/*)
  seconds=${CONOS_FUZZ_SECONDS:-10}
  seed=${CONOS_FUZZ_SEED:-$RANDOM}
  if (cd "$dir" && "$CONOS_BUILD/tests/fuzz/$1" "$seconds" "$seed" "${corpus[@]}") >"$dir/out" 2>&1; then
    echo "ok $2"
    echo "# $(tail -n 1 "$dir/out"), in $seconds s, seed $seed"
  else
    cp "$dir/last" "$CONOS_BUILD/fuzz-$1-$seed" || true
    sed 's/^/# /' "$dir/out" | head -n 40
    echo "not ok $2 (seed $seed; $CONOS_BUILD/fuzz-$1-$seed)"
  fi
}
