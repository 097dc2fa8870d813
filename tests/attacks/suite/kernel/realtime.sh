# asks to run before everything that is not of real time
wall='no capability; RestrictRealtime; seccomp'
caps=sys_nice
open_unit=$'RestrictRealtime=no\nSystemCallFilter=sched_setscheduler'
no_cage_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { perl -e '$priority = pack("i", 1); syscall(144, 0, 2, $priority) == 0 or die "$!\n"'; }
