# leaves a symbolic link to what only root reads where the record of its run should be
wall='O_NOFOLLOW; owner of the file that was opened'
ways=cage
no_control='of what stands there nothing is shown, only read as JSON'
attack() { ln -s /etc/shadow "$CONOS_DRAFTS/exit.json" && later; }
harm() { said_anywhere attacker root:; }
record() { recorded task.failed; }
