# passes a task on to a name that leads somewhere else
wall='may_task, looked up by the step that delivers'
ways=cage
attack() { later; }
answer() { echo 'ROUTE_TO: ../agents/victim'; }
harm() { [[ $(field reason <"$state/receipt") != not-allowed ]]; } # there is another wall behind
open() { settings attacker may_task '["mate","../agents/victim"]'; }
record() { recorded task.failed not-allowed; }
