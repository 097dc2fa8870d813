# leaves a symbolic link to what only root reads where its answer should be
wall='O_NOFOLLOW; owner of the file that was opened'
ways=cage
blind='follow owner=attacker'
attack() { rm -f "$CONOS_DRAFTS/response" && ln -s /etc/shadow "$CONOS_DRAFTS/response" && later; }
harm() { said_anywhere attacker root:; }
record() { recorded task.failed empty-output; }
