"""What may be wrong with a site: each does one harm to the site of scenario `forward`, ended."""

import glob
import hashlib
import json
import os
import shutil
import sqlite3

HARMS = []


def harm(seen_as):
    """Of one that the checks speak of with these words."""

    def add(function):
        function.seen_as = seen_as
        HARMS.append(function)
        return function

    return add


def the_one(pattern):
    (path,) = glob.glob(pattern)
    return path


def execute(lib, *statement):
    connection = sqlite3.connect(f"{lib}/audit.db")
    with connection:
        connection.execute(*statement)
    connection.close()


def edit(path, **changes):
    """Only this name of a file, and nothing else about it."""
    with open(path, encoding="utf-8") as file:
        text = json.load(file)
    st = os.stat(path)
    shutil.copy2(path, f"{path}.new")
    os.chown(f"{path}.new", st.st_uid, st.st_gid)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(dict(text, **changes), file)
    os.rename(f"{path}.new", path)


@harm("is missing")
def no_response(srv, _lib):
    """an answer is gone"""
    os.unlink(the_one(f"{srv}/agents/beta/outbox/*.response"))


@harm("is not what the receipt tells of")
def other_response(srv, _lib):
    """an answer is another"""
    with open(the_one(f"{srv}/agents/beta/outbox/*.response"), "a", encoding="utf-8") as file:
        file.write("more\n")


@harm("belongs to no receipt")
def second_response(srv, _lib):
    """an answer is there twice"""
    path = the_one(f"{srv}/agents/beta/outbox/*.response")
    shutil.copy2(path, path.replace("fwd", "fwd2"))


@harm("has no receipt beside it")
def no_receipt(srv, _lib):
    """a task has no receipt"""
    os.unlink(f"{srv}/agents/alpha/processed/fwd.json")


@harm("the task is not")
def no_task(srv, _lib):
    """a receipt has no task"""
    os.unlink(f"{srv}/agents/alpha/processed/fwd.task")


@harm("ended in 0 places")
def lost(srv, _lib):
    """a task is gone without a trace"""
    for path in glob.glob(f"{srv}/agents/alpha/*/*fwd*"):
        os.unlink(path)


@harm("its outcome is 'failed'")
def other_receipt(srv, _lib):
    """a receipt says that it ended otherwise"""
    for path in glob.glob(f"{srv}/agents/beta/*/*fwd.1.json"):
        edit(path, outcome="failed", reason="runner-exit")


@harm("is not the same receipt")
def other_trust(srv, _lib):
    """the two copies of a receipt are different"""
    edit(f"{srv}/agents/alpha/processed/fwd.json", trust="unverified")


@harm("held/fwd: is left over")
def in_two_states(srv, _lib):
    """a task has ended and waits"""
    shutil.copytree(f"{srv}/agents/alpha/inbox", f"{srv}/agents/alpha/held/fwd")


@harm("in two places")
def in_two_ends(srv, _lib):
    """a task is in processed and in failed"""
    for kind in ("task", "json"):
        path = f"{srv}/agents/alpha/processed/fwd.{kind}"
        shutil.copy2(path, path.replace("processed", "failed"))


@harm("inbox/fwd.task: is left over")
def still_there(srv, _lib):
    """a task is still in the inbox"""
    shutil.copy2(f"{srv}/agents/alpha/processed/fwd.task", f"{srv}/agents/alpha/inbox")


@harm("transit/fwd.1: is left over")
def not_carried(srv, _lib):
    """a forward is still in transit"""
    os.mkdir(f"{srv}/transit/fwd.1")


@harm("a forward to beta should follow; there is nothing")
def no_child(srv, _lib):
    """a forward was never made"""
    for path in glob.glob(f"{srv}/agents/beta/*/*fwd.1*"):
        os.unlink(path)


@harm("should follow; there is beta/processed/fwd.1-0, beta")
def two_children(srv, _lib):
    """a forward arrived twice"""
    for path in glob.glob(f"{srv}/agents/beta/*/*fwd.1*"):
        shutil.copy2(path, path.replace("fwd.1", "fwd.1-0"))
    for path in glob.glob(f"{srv}/agents/beta/*/*fwd.1-0.json"):
        edit(path, id="fwd.1-0")


@harm("100400")
def unreadable(srv, _lib):
    """nobody may read an answer"""
    os.chmod(the_one(f"{srv}/agents/beta/outbox/*.response"), 0o400)


@harm("a step that died left it")
def litter(_srv, lib):
    """a file without a name one could explain"""
    with open(f"{lib}/.new", "w", encoding="utf-8"):
        pass


@harm("no ledger")
def no_ledger(_srv, lib):
    """there is no ledger"""
    for path in glob.glob(f"{lib}/audit.db*"):
        os.unlink(path)


@harm("its receipt names row")
def shorter_ledger(_srv, lib):
    """the last row of the ledger is gone"""
    execute(lib, "DELETE FROM events WHERE id = (SELECT max(id) FROM events)")


@harm("the ledger breaks at row")
def other_ledger(_srv, lib):
    """a row of the ledger was changed"""
    execute(lib, "UPDATE events SET payload = payload || ' ' WHERE type = 'task.claimed'")


@harm("its ends in the ledger")
def second_row(_srv, lib):
    """a task is delivered twice in a ledger that verifies"""
    connection = sqlite3.connect(f"{lib}/audit.db")
    with connection:
        prev = connection.execute("SELECT max(id), hash FROM events").fetchone()
        row = connection.execute(
            "SELECT ts, type, actor, payload FROM events WHERE type = 'task.delivered'"
        ).fetchone()
        text = "|".join([str(prev[0] + 1), *row, prev[1].hex()])
        digest = hashlib.sha256(text.encode()).digest()
        connection.execute(
            "INSERT INTO events (id, ts, type, actor, payload, prev_hash, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (prev[0] + 1, *row, prev[1], digest),
        )
    connection.close()
