# leaves a file or a directory in any place that is not its own
wall='owners and modes; read-only in the cage'
ways=cage
caps=dac_override
open_unit=$'ReadWritePaths=+/etc +/var/lib +/opt'
places='/ /etc /usr /usr/bin /opt /var /var/lib /run /run/conos /dev /home /root /srv /srv/conos /srv/conos/agents /proc /sys'
attack()
{
  local dir
  for dir in $places; do
    if put "$dir/attack" || mkdir "$dir/attack.d"; then return 0; fi
  done
  false
}
close()
{
  local dir
  for dir in $places; do rm -rf "$dir/attack" "$dir/attack.d"; done
}
