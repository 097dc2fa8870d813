# hands in a task under the name of one that is done, to replace what is known of it
wall='a name that was used gets another; nothing is replaced'
ways=bare
prepare() { receipt "$(drop root "$mate/inbox" done-before.task <<<'the first' && echo done-before)" && cp -a "$mate/processed/done-before.json" "$state/"; }
attack() { echo 'the second' >t && mv t "$mate/inbox/done-before.task" && later; }
harm()
{
  still_serves mate
  ! cmp "$state/done-before.json" "$mate/processed/done-before.json"
}
naive() { until_true test -e "$mate/processed/done-before-*.json"; echo '{}' >"$mate/processed/done-before.json"; }
