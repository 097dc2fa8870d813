# leaves 30,000 files for root to remove
wall='bounded work; the sweep removes the rest'
ways=cage
no_control='to leave them is the only naive way, and it shows'
attack() { (cd "$CONOS_DRAFTS" && perl -e 'for (1 .. 30000) { open(F, ">", "f$_") or die }') && later; }
harm() { ! still_serves mate 10 || ! until_true is_empty "$mine/drafts"; }
