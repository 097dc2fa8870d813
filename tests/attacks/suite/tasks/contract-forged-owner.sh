# claims a task contract in the name of another, by argument, environment and bytes at its gate
wall='the account is the gate'"'"'s, and no argument'
ways=cage
prepare()
{
  conos-task contract open --title forged forged
}
attack()
{
  local socket=/run/conos/doors/attacker/gate.sock word
  CONOS_AGENT=victim CONOS_ACTOR=root USER=a-victim LOGNAME=a-victim \
    conos-task contract claim forged
  for word in owner=a-victim actor=root agent=victim uid=0; do
    conos ask contract.update id=forged message=x "$word" && return
    perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])) or die;
      my ($key, $value) = split /=/, $ARGV[1];
      syswrite(S, qq({"verb":"contract.update","args":{"id":"forged","message":"x"},"$key":"$value"}\n));
      sysread(S, $_, 4096); print; exit !/"status":"done"/' "$socket" "$word" && return
  done
  later
}
harm()
{
  local owner
  owner=$(conos-task contract show --json forged | field owner)
  [[ $owner != a-attacker ]]
}
naive() { sed -i 's/"owner": "a-attacker"/"owner": "a-victim"/' /srv/conos/task-contracts/forged.json; }
close()
{
  conos-task contract close --cancel forged
  rm -f /srv/conos/task-contracts/forged.json
}
record() { recorded taskcontract.claimed a-attacker; }
