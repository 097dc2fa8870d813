# asks to run before everything that is not of real time
wall='no capability; RestrictRealtime; seccomp'
caps=sys_nice
open_unit=$'RestrictRealtime=no\nSystemCallFilter=sched_setscheduler'
attack() { perl -e '$priority = pack("i", 1); syscall(144, 0, 2, $priority) == 0 or die "$!\n"'; }
