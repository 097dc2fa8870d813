# opens what the step of conos that runs it has open
wall='work is not dumpable; Landlock'
ways=cage
blind=dumpable
attack() { holds "/proc/$work/fd"; }
