# leaves a symbolic link to what only root reads where the log of a failure should be
wall='O_NOFOLLOW; owner of the file that was opened'
ways=cage
blind='follow owner=attacker'
attack() { ln -s /etc/shadow "$CONOS_DRAFTS/log" && later; }
answer() { echo 'no reason' >&4; exit 1; }
harm() { said_anywhere attacker root:; }
record() { recorded task.failed; }
