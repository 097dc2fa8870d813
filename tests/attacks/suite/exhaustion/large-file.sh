# makes a file larger than it may
wall='LimitFSIZE'
ways=cage
open_unit='LimitFSIZE=infinity'
attack() { truncate -s 2G large; }
