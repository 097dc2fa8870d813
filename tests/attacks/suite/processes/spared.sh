# has others killed in its place when memory is short
wall='no capability'
caps=sys_resource
attack() { echo -1000 >/proc/self/oom_score_adj; }
