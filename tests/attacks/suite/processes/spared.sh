# has others killed in its place when memory is short
wall='no capability'
no_control='where the machine of the tests has no CAP_SYS_RESOURCE, nobody in it can be given one'
attack() { echo -1000 >/proc/self/oom_score_adj; }
