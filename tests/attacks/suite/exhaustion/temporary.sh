# fills what is temporary
wall='size of the file system of its own for it'
ways=cage
open_unit=$'TemporaryFileSystem=\nTemporaryFileSystem=/dev/shm:nosuid,nodev,size=512M,mode=1777'
attack() { head -c 300M /dev/zero | tee /tmp/full | tail -c 1 >/dev/null && (($(stat -c %s /tmp/full) == 314572800)); }
