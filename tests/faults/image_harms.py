"""What may be wrong with an image: each does one harm to one that bootstrap has ended with."""

import glob
import os
import sqlite3
import subprocess

HARMS = []


def harm(scenario, seen_as):
    """To the image of that scenario, and what the checks say of it."""

    def add(function):
        function.scenario = scenario
        function.seen_as = seen_as
        HARMS.append(function)
        return function

    return add


def execute(root, statement):
    connection = sqlite3.connect(f"{root}/var/lib/conos/audit.db")
    with connection:
        connection.execute(statement)
    connection.close()


@harm("first", "the next run still finds")
def mode(root):
    """a directory is open to all"""
    os.chmod(f"{root}/srv/conos/agents/sysadmin/outbox", 0o777)


@harm("first", "the next run still finds")
def acl(root):
    """an ACL is gone"""
    subprocess.run(["setfacl", "-b", f"{root}/srv/conos/agents/sysadmin/inbox"], check=True)


@harm("first", "the next run still finds")
def content(root):
    """a unit is another"""
    with open(f"{root}/etc/systemd/system/conos-sysadmin.service", "a", encoding="utf-8") as file:
        file.write("User=root\n")


@harm("first", "the next run still finds")
def disabled(root):
    """a unit is not enabled"""
    os.unlink(f"{root}/etc/systemd/system/paths.target.wants/conos-sysadmin.path")


@harm("first", "the next run still finds")
def no_record(root):
    """the record is gone"""
    os.unlink(f"{root}/var/lib/conos/applied.json")


@harm("first", "the next run still finds")
def unsaid(root):
    """a repair waits for its row"""
    with open(f"{root}/var/lib/conos/repairs.json", "w", encoding="utf-8") as file:
        file.write("[]\n")


@harm("first", "is left over")
def left_over(root):
    """a file that was being replaced is left"""
    with open(f"{root}/var/lib/conos/compiled/.new-routes.json", "w", encoding="utf-8") as file:
        file.write("{")


@harm("first", "is missing")
def forgotten(root):
    """what no run would make again is gone: of the profile, a file"""
    os.unlink(f"{root}/etc/conos/roles/sysadmin/AGENTS.md")


@harm("first", "etc/conos/agents: is ")
def owner(root):
    """a directory no run looks at is another's"""
    os.chown(f"{root}/etc/conos/agents", 4711, 4711)


@harm("first", "the ledger has no config.applied")
def unapplied(root):
    """the ledger does not say that anything was applied"""
    execute(root, "DELETE FROM events WHERE type = 'config.applied'")


@harm("drift", "not in the ledger")
def unrecorded(root):
    """the ledger does not say what was repaired"""
    execute(root, "DELETE FROM events WHERE type = 'drift.repaired' AND payload LIKE '%outbox%'")


@harm("drift", "the ledger: ")
def rewritten(root):
    """the ledger says something else than it did"""
    execute(root, "UPDATE events SET payload = '{}' WHERE id = 1")


@harm("drift", "is missing")
def unsaved(root):
    """what somebody edited was not kept"""
    os.unlink(f"{root}/etc/systemd/system/conos-sysadmin.service.conos-save")


@harm("prune", "is lost")
def no_archive(root):
    """an archive is gone"""
    os.unlink(glob.glob(f"{root}/var/lib/conos/retired/gone-*.tar.gz")[0])


@harm("prune", "is not whole")
def half_archive(root):
    """half an archive is gone"""
    path = glob.glob(f"{root}/var/lib/conos/retired/gone-*.tar.gz")[0]
    os.truncate(path, os.stat(path).st_size // 2)


@harm("prune", "the next run still finds")
def somebody_left(root):
    """a home is still there"""
    os.mkdir(f"{root}/home/a-gone")
