# uses a rule of sudo that a person left for everybody
wall='a rule of conos that denies; NoNewPrivileges'
open_unit="$no_seccomp"
prepare() { echo 'ALL ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/00-site && chmod 0440 /etc/sudoers.d/00-site; }
attack() { sudo -n id -u | grep -x 0; }
open() { chattr -i /etc/sudoers.d/conos* && mkdir "$state/rules" && mv /etc/sudoers.d/conos* "$state/rules"; }
close()
{
  rm -f /etc/sudoers.d/00-site
  [[ ! -d $state/rules ]] || { mv "$state"/rules/* /etc/sudoers.d/ && chattr +i /etc/sudoers.d/conos*; }
}
