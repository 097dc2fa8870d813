# gives a program of its own a capability
wall='no capability'
caps=setfcap
attack()
{
  cp /bin/bash capable &&
    perl -e 'syscall(188, "capable", "security.capability", pack("V5", 0x02000001, 1 << 7, 0, 0, 0), 20, 0) == 0 or die "$!\n"'
}
