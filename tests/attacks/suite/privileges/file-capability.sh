# gives a program of its own a capability
wall='no capability'
caps=setfcap
attack()
{
  cp /bin/bash capable &&
    perl -e 'my ($file, $name, $value) = ("capable", "security.capability", pack("V5", 0x02000001, 1 << 7, 0, 0, 0));
      syscall(188, $file, $name, $value, 20, 0) == 0 or die "$!\n"'
}
