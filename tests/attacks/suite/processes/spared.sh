# has others killed in its place when memory is short
wall='no capability'
no_control='systemd-nspawn keeps it from the whole machine of the tests'
attack() { echo -1000 >/proc/self/oom_score_adj; }
