"""Image trees for conos-bootstrap --root to set up: what it reads of a machine and nothing else."""

import ctypes
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PROFILE = "usr/share/conos/profiles/default/conos.toml"
RETIRED = "var/lib/conos/retired"
SET_CHILD_SUBREAPER = 36  # prctl(2)


def stage():
    """Installs what is built where it can be copied from; the path of that."""
    script = '. "$1/packaging/lib.sh" && stage'
    done = subprocess.run(
        ["bash", "-c", script, "-", SOURCE], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()[-1]


def adopt_orphans():
    """What a killed process leaves running becomes a child of this one."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def outlive_orphans():
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)


def make_bare(stage_dir, root):
    """conos is installed, and nothing of it set up."""
    for path in ("run", "srv", "var/lib", "home", "usr/local/bin", "etc/systemd/system",
                 "etc/sudoers.d", "etc/audit/rules.d", "usr/lib/systemd"):  # fmt: skip
        os.makedirs(f"{root}/{path}")
    for path in ("lib/conos", "lib/sysusers.d", "lib/tmpfiles.d", "lib/systemd/system",
                 "libexec/conos", "share/conos"):  # fmt: skip
        shutil.copytree(f"{stage_dir}/usr/{path}", f"{root}/usr/{path}")
    write(f"{root}/usr/sbin/nft", "")
    write(f"{root}/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    write(f"{root}/etc/group", "root:x:0:\nadm:x:4:\n")


# --- what an image holds -------------------------------------------------------------------------


def content_of(path, mode):
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    return ""


def entry(path):
    st = os.lstat(path)
    acls = [] if stat.S_ISLNK(st.st_mode) else sorted(os.listxattr(path))
    return (
        oct(st.st_mode), st.st_uid, st.st_gid, content_of(path, st.st_mode),
        tuple((name, os.getxattr(path, name)) for name in acls),
    )  # fmt: skip


def is_compared(path):
    """Not the ledger, which is read as such, and not what has a time in its name; nor the copies
    that tools for users and groups keep of the file before."""
    return not (
        path.startswith(("var/lib/conos/audit.db", f"{RETIRED}/"))
        or path.startswith("etc/.#")  # of systemd-sysusers, whose standard error has gone
        or path in ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-")
        or path.startswith("usr/lib/conos/")
    )


def picture(root):
    """{path: mode, owner, group, content, ACLs} of everything that two runs must agree about."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = f"{folder}/{name}"[len(root) + 1 :]
            if is_compared(path):
                found[path] = entry(f"{root}/{path}")
    return found


def differences(wanted, found):
    return [
        f"{path}: {'is missing' if path not in found else 'is left over' if path not in wanted else ''}"
        f"{f'is {found[path]}, not {wanted[path]}' if path in found and path in wanted else ''}"
        for path in sorted(wanted.keys() | found.keys())
        if wanted.get(path) != found.get(path)
    ]


def unfinished(root):
    """What only an interrupted run leaves, wherever it is."""
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith((".new-", ".conos-")) or name.endswith(".part"):
                yield f"{folder}/{name}"[len(root) + 1 :]


# --- the record, the ledger, the archives ----------------------------------------------------------


def rows(root):
    """{(type, what of its payload is the same in two runs)} of what was changed or taken away."""
    path = f"{root}/var/lib/conos/audit.db"
    if not os.path.exists(path):
        return set()
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT type, payload FROM events").fetchall()
    connection.close()
    stable = ("agent", "subject", "what", "before_sha256", "after_sha256")
    return {
        (kind, *(json.loads(payload).get(key) for key in stable))
        for kind, payload in found
        if kind != "config.applied"
    }


def has_applied(root):
    connection = sqlite3.connect(f"{root}/var/lib/conos/audit.db")
    count = connection.execute("SELECT count(*) FROM events WHERE type = 'config.applied'")
    (number,) = count.fetchone()
    connection.close()
    return number > 0


def below(root, trees):
    """{path: content} of all in these trees; what is not there is not named."""
    found = {}
    for tree in trees:
        top = f"{root}/{tree}"
        if not os.path.lexists(top):
            continue
        found[tree] = ""
        for folder, folders, names in os.walk(top):
            for name in folders + names:
                path = f"{folder}/{name}"
                found[path[len(root) + 1 :]] = content_of(path, os.lstat(path).st_mode)
    return found


def archives(root):
    """The names of those that claim to be whole."""
    folder = f"{root}/{RETIRED}"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(f"{folder}/{name}" for name in names if not name.startswith("."))


def archived(path):
    """{path: content} of what is in one; raises when it is not whole."""
    found = {}
    with tarfile.open(path) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if member.issym():
                found[name] = member.linkname
            elif member.isfile():
                found[name] = hashlib.sha256(tar.extractfile(member).read()).hexdigest()
            else:
                found[name] = ""
    return found


def lost_data(root, data):
    """Of the paths of a retired agent, what is neither in its place nor in a whole archive."""
    kept = below(root, {path for path in data if data[path] == "" or path.count("/") == 1})
    if kept == data:
        return []
    wrong = []
    for path in archives(root):
        try:
            inside = archived(path)
        except (tarfile.TarError, EOFError, OSError) as error:
            wrong.append(f"{path} is not whole: {error}")
            continue
        kept.update(inside)
    return wrong + [f"{path}: is lost" for path in data if kept.get(path) != data[path]]
