# loads a program into the kernel
wall='no capability; seccomp'
caps=sys_admin
open_unit='SystemCallFilter=bpf'
attack()
{
  # BPF_PROG_LOAD of a socket filter: r0 = 0, exit
  perl -e '
    my $code = pack("CCsl", 0xb7, 0, 0, 0) . pack("CCsl", 0x95, 0, 0, 0);
    my $license = "GPL\0";
    my $what = pack("LLQQ", 1, 2, unpack("Q", pack("P", $code)), unpack("Q", pack("P", $license)));
    $what .= "\0" x 104;
    syscall(321, 5, $what, length($what)) >= 0 or die "$!\n"'
}
