# hands in another name of a file of root's
wall='fs.protected_hardlinks; number of names of the file that was opened'
ways=bare
blind=links
attack() { ln /etc/shadow "$mate/inbox/names.task" && return; later; }
# what the kernel would not let it do is done for it
harm()
{
  ln /etc/shadow "$mate/inbox/names.task"
  receipt names
  said_anywhere mate root:
}
record() { recorded task.refused hard-link; }
