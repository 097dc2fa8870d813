# leaves a symbolic link to what only root reads where its transcript should be
wall='O_NOFOLLOW; owner of the file that was opened'
ways=cage
blind='follow owner=attacker'
attack() { ln -s /etc/shadow "$CONOS_DRAFTS/transcript.jsonl" && later; }
harm() { grep -rl '^root:' /var/lib/conos/cas; }
close() { grep -rlZ '^root:' /var/lib/conos/cas | xargs -0 -r rm -f; }
