# opens a file by its number in the file system, whatever directory it is in
wall='no capability; seccomp'
caps=dac_read_search
open_unit='SystemCallFilter=open_by_handle_at'
no_cage_control='seccomp and the devices of systemd-nspawn keep it from units of the machine of the tests too'
attack() { is_let perl -e '$handle = pack("I i a8", 8, 1, ""); syscall(304, -100, $handle, 0) >= 0 or die "$!\n"'; }
