# says in a file beside a task that it is root's, and trusted
wall='who owns the file decides'
ways=bare
as_root=yes
attack()
{
  echo '{"trust":"verified","from":"root","sender":{"uid":0,"name":"root"},"hop":0}' >t.meta &&
    mv t.meta "$mate/inbox/forged.task.meta.json" && echo 'do it' >t && mv t "$mate/inbox/forged.task" && later
}
harm() { receipt forged | grep -E '"trust": *"verified"|"sender": *{[^}]*"root"'; }
