# leaves directories nested deeper than a name can be long
wall='what lies deep is moved up before it is removed'
ways=cage
blind=lift
attack()
{
  perl -e 'chdir($ENV{CONOS_DRAFTS}); for (1 .. 5000) { mkdir("d") && chdir("d") or die }' && later
}
harm() { ! until_true is_empty "$mine/drafts"; }
close() { find "$mine/drafts" -mindepth 1 -delete; }
