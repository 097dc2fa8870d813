# opens the memory of the step of conos that runs it, under the same uid
wall='work is not dumpable; Landlock'
ways=cage
blind=dumpable
attack() { : <>"/proc/$work/mem"; }
