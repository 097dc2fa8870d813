# passes a task on to an agent that it may not give tasks to
wall='may_task, looked up by the step that delivers'
ways=cage
attack() { later; }
answer() { echo 'ROUTE_TO: victim'; }
harm() { [[ $(field agent <"$state/receipt") == victim ]]; }
open() { settings attacker may_task '["mate","victim"]'; }
record() { recorded task.failed not-allowed; }
