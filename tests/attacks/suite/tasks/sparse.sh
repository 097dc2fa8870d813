# hands in 100 GB that are not there
wall='size of the file that was opened; bound on what is read'
ways=bare
no_control='there is no size that may be read without a bound'
attack() { truncate -s 100G t && mv t "$mate/inbox/sparse.task" && later; }
harm() { ! still_serves mate 4; }
record() { recorded task.refused too-large; }
