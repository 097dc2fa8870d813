# hands in a task that is larger than may be
wall='bound on what is read'
ways=bare
attack() { yes | head -c 2M >t && mv t "$mate/inbox/large.task" && later; }
harm() { [[ $(receipt large | field reason) != too-large ]]; }
open() { settings mate max_task_bytes 4000000; }
record() { recorded task.refused too-large; }
