"""A site that can lose its power: what was not flushed is gone when it comes back."""

import os
import shutil
import stat
import subprocess

from sites import INSIDE, Site

SIZE = 32 << 20


class DiskSite(Site):
    """On a file system of its own, that writes to its disk what it is asked to flush, no more."""

    def _fill(self):
        self._make_disk()
        # its journal would be written every 5 s unasked
        subprocess.run(["mount", "-o", "loop,commit=600", self._disk, self.top], check=True)
        os.mknod(self._device, stat.S_IFBLK | 0o600, os.stat(self.top).st_dev)
        self._fill_disk()

    def _make_disk(self):
        with open(self._disk, "wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-N", "8192", self._disk], check=True)

    def _fill_disk(self):
        super()._fill()

    @property
    def _disk(self):
        return f"/dev/shm/conos-faults-{self.machine_name}-{self.number}"

    @property
    def _device(self):
        return f"{self.top}.device"

    def _mount_inside(self):
        # the machine does not see the host's mounts
        inside = f"{INSIDE}/{self.number}"
        return f"mount -t ext4 {inside}.device {inside} &&"

    def close(self):
        super().close()
        subprocess.run(["umount", self.top], check=True)
        os.unlink(self._device)
        os.unlink(self._disk)

    def flush(self):
        subprocess.run(["sync", "--file-system", self.top], check=True)

    def after_power_cut(self):
        return Survivor(self)


class Survivor(DiskSite):
    """A site with a copy of another's disk."""

    def __init__(self, former):
        self._former = former
        super().__init__(former.machine_name, former.number + 100)

    def _make_disk(self):
        shutil.copyfile(self._former._disk, self._disk)

    def _fill_disk(self):
        self._empty = self._former._empty
        self._files = self._former._files


def available():
    """Whether this host has loop devices for us."""
    return subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode == 0
