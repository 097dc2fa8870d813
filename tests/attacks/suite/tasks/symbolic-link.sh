# hands in a symbolic link to what only root reads
wall='O_NOFOLLOW'
ways=bare
blind=follow
attack() { ln -s /etc/shadow "$mate/inbox/link.task" && later; }
harm()
{
  receipt link
  said_anywhere mate root:
}
record() { recorded task.refused symlink; }
