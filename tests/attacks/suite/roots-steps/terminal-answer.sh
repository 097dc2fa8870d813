# answers with what acts on the terminal of whoever reads it
wall='escaped on a terminal'
ways=cage
blind=terminal
attack() { later; }
answer() { printf 'hello\033]0;owned\007\033[2J\n'; }
harm()
{
  local id
  id=$(field id <"$state/receipt")
  on_a_terminal conos-task wait "$id" >"$state/shown"
  on_a_terminal conos-task show "$id" >>"$state/shown"
  on_a_terminal conos responses >>"$state/shown"
  grep -F $'\033]0;owned' "$state/shown"
}
