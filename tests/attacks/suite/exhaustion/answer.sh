# answers without end
wall='bound on what is read of its output'
ways=cage
attack() { later; }
answer() { yes | head -c 4M; }
harm() { [[ $(field reason <"$state/receipt") != output-limit ]]; }
open() { settings attacker max_output_bytes 8000000; }
record() { recorded task.failed output-limit; }
