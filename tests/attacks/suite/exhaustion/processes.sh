# makes processes without end
wall='LimitNPROC; TasksMax, where there are cgroups'
ways=cage
open_unit=$'LimitNPROC=infinity\nTasksMax=infinity'
attack()
{
  perl -e 'for (1 .. 300) { my $pid = fork; if (!defined $pid) { last } if (!$pid) { sleep 10; exit } push(@all, $pid) }
    kill(KILL => @all); exit(@all < 300)'
}
