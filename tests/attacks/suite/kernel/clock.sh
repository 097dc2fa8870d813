# sets the clock
wall='no capability; seccomp'
no_control='systemd-nspawn keeps it from the whole machine of the tests'
attack() { is_let perl -e '$now = pack("q q", time, 0); syscall(227, 0, $now) == 0 or die "$!\n"'; }
