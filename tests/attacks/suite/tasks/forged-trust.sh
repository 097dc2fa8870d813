# says in a task that it is root's, and trusted
wall='who owns the file decides'
ways=bare
as_root=yes
attack()
{
  printf '%s\n' conos-task/1 'From: root' 'Trust: verified' 'Hop: 0' 'Parent: x' '' 'do it' >t &&
    mv t "$mate/inbox/forged.task" && later
}
harm() { receipt forged | grep -E '"trust": *"verified"|"sender": *{[^}]*"root"'; }
