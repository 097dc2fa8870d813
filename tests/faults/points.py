"""Where and how a step of a task's way can be broken, in the order of its system calls.

A point is written as
  57                 SIGKILL as system call 57 of the step begins
  57,2:linkat:3      the same, and again at the third linkat of the second step of the recovery
  fsync:3:EIO        the third fsync fails with EIO
  57:power           the machine loses its power there: what was not flushed is gone
  57:ENOSPC          from call 57 on there is no room; EMFILE and EIO likewise
"""

import collections
import re

KINDS = ("kill", "power", "error", "lasting", "twice")

# Of each call that can fail in such a way, one failure at a time. Those of reading stand for a bad
# disk and for the machine's limits, those of writing for a full disk as well. (Not close: strace
# would leave open what the kernel closes even then.)
READING = ("EIO", "ENOMEM")
WRITING = ("ENOSPC", "EDQUOT", "EIO")
FLUSHING = (*WRITING, "EINTR")
OPENING = ("EMFILE", "EIO", "ENOMEM", "EINTR")
NAMING = (*WRITING, "ENOMEM")
FORKING = ("EAGAIN", "ENOMEM")
ERRORS = {
    "openat": OPENING,
    "openat2": OPENING,
    "read": ("EIO", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "getdents64": READING,
    "newfstatat": READING,
    "statx": READING,
    "readlink": READING,
    "readlinkat": READING,
    "write": FLUSHING,
    "pwrite64": FLUSHING,
    "ftruncate": FLUSHING,
    "fallocate": FLUSHING,
    "fsync": FLUSHING,
    "fdatasync": FLUSHING,
    "syncfs": FLUSHING,
    "sync_file_range": FLUSHING,
    "linkat": NAMING,
    "rename": NAMING,
    "renameat": NAMING,
    "renameat2": NAMING,
    "mkdirat": NAMING,
    "unlink": WRITING,
    "unlinkat": NAMING,
    "fchown": WRITING,
    "fchmod": WRITING,
    "fsetxattr": WRITING,
    "setxattr": WRITING,
    "fcntl": ("EINTR", "ENOLCK", "ENOMEM"),
    "flock": ("EINTR", "ENOLCK"),
    "mmap": ("ENOMEM",),
    "pipe2": ("EMFILE", "ENFILE"),
    "clone": FORKING,
    "clone3": FORKING,
    "vfork": FORKING,
    "pidfd_open": ("EMFILE", "ENOMEM"),
    "poll": ("EINTR", "ENOMEM"),
    "ppoll": ("EINTR", "ENOMEM"),
    "wait4": ("EINTR",),
    "prctl": ("EINVAL",),
    "prlimit64": ("EPERM",),
    "getrandom": ("EINTR",),
    "socket": ("EMFILE", "EAFNOSUPPORT"),
    "connect": ("ECONNREFUSED", "EAGAIN"),
    "sendto": ("EPIPE", "EAGAIN"),
    "sendmsg": ("EPIPE", "EAGAIN"),
    "recvmsg": ("ECONNRESET",),
}
ON_CREATION = ("ENOSPC", "EDQUOT")

# What fails from one moment on, until the step ends.
LASTING = {
    "ENOSPC": ("write", "pwrite64", "linkat", "mkdirat", "fallocate"),
    "EMFILE": ("openat", "openat2", "pipe2", "socket"),
    "EIO": ("write", "pwrite64", "fsync", "fdatasync", "syncfs"),
}

# Killed behind one of these a process leaves the disk as it was: a walk that skips points skips
# the calls behind them. (What sendmsg brings to the journal is no part of the promise.)
WITHOUT_EFFECT = set(
    "access arch_prctl brk clock_nanosleep close connect fcntl flock fstat futex getdents64 getegid"
    " geteuid getgid getpid getppid getrandom getsockname getsockopt gettid getuid lseek madvise"
    " mmap mprotect munmap newfstatat openat2 pidfd_open pipe2 poll ppoll prctl pread64 prlimit64"
    " read readlink readlinkat recvmsg rt_sigaction rt_sigprocmask sendmsg sendto setsockopt socket"
    " statfs statx sysinfo uname".split()
)


class Call:
    """One line of strace's: the `number`th call of a run, the `nth` of its name."""

    def __init__(self, number, line, count):
        self.number = number
        self.name = line.split("(", 1)[0]
        count[self.name] += 1
        self.nth = count[self.name]
        self.creates = "O_CREAT" in line or "O_TMPFILE" in line

    def has_effect(self):
        return self.creates or self.name not in WITHOUT_EFFECT | {"openat"}

    def errors(self):
        return ERRORS.get(self.name, ()) + (ON_CREATION if self.creates else ())


def read_trace(path):
    """The calls of a run, and those of them that are the program's own."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line for line in file if re.match(r"[a-z_0-9]+\(", line)]
    count = collections.Counter()
    calls = [Call(number, line, count) for number, line in enumerate(lines, start=1)]
    # ld.so unmaps its cache as the last thing it does
    begin = next((c.number for c in calls if c.name == "munmap"), 0)
    return calls, calls[begin:]


class Point:
    """`text` says where and how; those of one `group` are of the same nature."""

    def __init__(self, text, *group):
        self.text = text
        self.group = group


def kill_points(own):
    return [Point(str(call.number), "kill", call.name) for call in own]


def telling_kill_points(own):
    """Without those that leave the disk as the one before them did."""
    return [
        Point(str(call.number), "kill", call.name)
        for call, before in zip(own, own[:1] + own)
        if call is own[0] or before.has_effect()
    ]


def power_points(own):
    return [Point(f"{point.text}:power", "power") for point in telling_kill_points(own)]


def error_points(own):
    return [
        Point(f"{call.name}:{call.nth}:{error}", call.name, error)
        for call in own
        for error in call.errors()
    ]


def lasting_points(own):
    return [
        Point(f"{call.number}:{error}", "lasting", error)
        for error, names in LASTING.items()
        for call in own
        if call.name in names
    ]


def twice_points(own, every, chance):
    """A few of the many pairs."""
    once = telling_kill_points(own)
    again = [call for call in own if call.has_effect()]
    points = []
    for _ in range(len(once) // every + 1):
        call = chance.choice(again)
        second = f"{chance.randint(1, 6)}:{call.name}:{call.nth}"
        points.append(Point(f"{chance.choice(once).text},{second}", "twice"))
    return points


def one_in(every, points, chance):
    # not always the same ones, or of a pair of calls that alternate one is never met
    return points[chance.randrange(every) :: every]


def one_of_each(points, seen, chance):
    """One of each group that was not `seen` yet."""
    by_group = collections.defaultdict(list)
    for point in points:
        if point.group not in seen:
            by_group[point.group].append(point)
    return [chance.choice(members) for members in by_group.values()]


def points_of(kind, own, every, seen, chance):
    """All points of a step, or one in `every` and with them one of each group."""
    if kind == "twice":
        return twice_points(own, every, chance)
    walk = {
        "kill": kill_points, "power": power_points, "error": error_points, "lasting": lasting_points,
    }[kind](own)  # fmt: skip
    if every == 1:
        return walk
    closer = max(1, every // 4)  # the commonest of faults, and few points in comparison
    if kind == "kill":
        chosen = one_in(closer, telling_kill_points(own), chance)
    else:
        chosen = one_in(closer if kind == "power" else every, walk, chance)
    seen.update(point.group for point in chosen)
    chosen += one_of_each(walk, seen, chance)
    seen.update(point.group for point in chosen)
    return chosen


def injections(text, calls):
    """A point as strace's expressions, and those of its second fault with the step they are for."""
    first, _, second = text.partition(",")
    ambush = None
    if second:
        step, name, nth = second.split(":")
        ambush = int(step), [f"inject={name}:signal=KILL:when={nth}"]
    where, *how = first.split(":")
    if not where.isdigit():
        nth, error = how
        return [f"inject={where}:error={error}:when={nth}"], ambush
    call = calls[int(where) - 1]
    if how in ([], ["power"]):
        # strace counts the calls of each name: call 57 has to be said as the fourth openat
        return [f"inject={call.name}:signal=KILL:when={call.nth}"], ambush
    before = collections.Counter(call.name for call in calls[: call.number - 1])
    return [
        f"inject={name}:error={how[0]}:when={before[name] + 1}+" for name in LASTING[how[0]]
    ], ambush
