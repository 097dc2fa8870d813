# makes a device node
wall='no capability'
caps=mknod
attack() { mknod null c 1 3; }
