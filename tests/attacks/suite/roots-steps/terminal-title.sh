# gives a task a title that acts on the terminal of whoever lists tasks
wall='escaped wherever it is shown'
ways=bare
attack() { printf 'conos-task/1\nTitle: \033]0;owned\007\n\nhello\n' >t && mv t "$mate/inbox/titled.task" && later; }
harm()
{
  receipt titled >/dev/null
  for tool in 'conos-task list' 'conos-task show titled' 'conos status' 'conos logs' 'conos-audit tail -n 20'; do
    # shellcheck disable=SC2086 # words
    on_a_terminal $tool >>"$state/shown"
  done
  grep -F $'\033]0;owned' "$state/shown" "$state/naive"
}
naive() { receipt titled >/dev/null; sed -n 's/^Title: //p' "$mate/processed/titled.task"; }
prepare() { : >"$state/naive"; }
