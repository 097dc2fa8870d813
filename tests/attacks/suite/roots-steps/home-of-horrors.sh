# fills its home with what stops or misleads who walks through it
wall='bootstrap looks at what is its own, and says what it leaves'
no_control='nothing there is opened, so there is nothing to be made blind to'
attack()
{
  rm -f ~/AGENTS.md
  mkdir -p ~/AGENTS.md/x && mkfifo ~/fifo && ln -s / ~/root && ln -s loop ~/loop &&
    touch ~/"$(printf 'x%.0s' {1..255})" ~/$'new\nline' ~/-rf && chmod 0 ~/AGENTS.md && later
}
harm() { ! root_runs conos-bootstrap; }
