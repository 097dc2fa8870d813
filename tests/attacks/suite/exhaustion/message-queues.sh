# fills message queues in the kernel's memory
wall='LimitMSGQUEUE'
ways=cage
open_unit='LimitMSGQUEUE=infinity'
attack() { kernel 240 attack 66 384 0; }
