# does not end, and hears no signal
wall='the time limit work keeps'
ways=cage
prepare() { settings attacker timeout_ms 300; }
attack() { trap '' TERM INT HUP; sleep 8; sleep 8; later; }
harm() { [[ $(field reason <"$state/receipt") != runner-timeout ]]; }
open() { settings attacker timeout_ms 30000; }
record() { recorded task.failed runner-timeout; }
