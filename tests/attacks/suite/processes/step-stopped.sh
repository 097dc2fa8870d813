# stops the step of conos that runs it, so that no time limit is kept
wall='Landlock (from Linux 6.12); the time limit of the unit'
ways=cage
attack() { kill -STOP "$work" && kill -CONT "$work"; }
