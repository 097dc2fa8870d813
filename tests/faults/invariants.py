"""What is true of a site whatever was killed in it, and when, once nothing is left to do.

Reads the trees of a site (/srv/conos, /var/lib/conos) as root and returns what is wrong with them
as sentences. Nothing of conos is used to read: a bug in the code under test must not hide itself.
"""

import collections
import hashlib
import json
import os
import re
import sqlite3
import stat
import struct

ENDED = ("processed", "failed")
WENT_WELL = ("answered", "forwarded")
TERMINAL_ROWS = ("task.delivered", "task.forwarded", "task.failed", "task.refused")
# Those that are looked at here; docs/formats.md has all, and says that none may be missing.
RECEIPT_KEYS = set(
    "id root parent hop agent kind sender trust reply_to submitted_at claimed_at attempt"
    " original_name sha256 outcome reason started_at response forwarded_to ledger".split()
)
# Relative to an agent's directory: empty, or not there, while nothing is being done.
PASSING = ("inbox", "claimed", "held", "drafts", "batch.json", "decided.json")


class Task:
    """A task that has ended: what its receipt and the file beside it say."""

    def __init__(self, agent, id, state, receipt, text):
        self.agent = agent
        self.id = id
        self.state = state
        self.receipt = receipt
        self.text = text  # None where it was no plain file

    def __str__(self):
        return f"{self.agent}/{self.state}/{self.id}"

    def __getitem__(self, key):
        return self.receipt[key]

    def went_well(self):
        return self["outcome"] in WENT_WELL


class Site:
    """The trees, and every task found in them."""

    def __init__(self, srv, lib):
        self.srv = srv
        self.lib = lib
        self.wrong = []
        self.agents = sorted(os.listdir(f"{srv}/agents"))
        self.tasks = []
        for agent in self.agents:
            for state in ENDED:
                self._read(agent, state)

    def blame(self, sentence):
        self.wrong.append(sentence)

    def dir(self, agent, state):
        return f"{self.srv}/agents/{agent}/{state}"

    def _read(self, agent, state):
        path = self.dir(agent, state)
        names = set(os.listdir(path))
        for name in sorted(names):
            id, kind = split_kept(name)
            if kind is None:
                self.blame(f"{agent}/{state}/{name}: is nothing that belongs there")
            elif id + ".json" not in names:
                self.blame(f"{agent}/{state}/{name}: has no receipt beside it")
            elif kind == ".json":
                if not {id + ".task", id + ".task.directory"} & names:
                    self.blame(f"{agent}/{state}/{id}: the receipt is there, the task is not")
                receipt = self._read_receipt(f"{path}/{name}")
                if receipt is not None:
                    text = read_plain(f"{path}/{id}.task")
                    self.tasks.append(Task(agent, id, state, receipt, text))

    def _read_receipt(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                receipt = json.load(file)
        except (OSError, ValueError) as error:
            self.blame(f"{path}: {error}")
            return None
        missing = RECEIPT_KEYS - receipt.keys()
        if missing:
            self.blame(f"{path}: does not say {', '.join(sorted(missing))}")
        return None if missing else receipt

    # --- nothing is left ------------------------------------------------------------------------

    def check_nothing_waits(self):
        places = [f"{self.srv}/inbox", f"{self.srv}/transit"]
        places += [self.dir(agent, place) for agent in self.agents for place in PASSING]
        for place in places:
            if os.path.isdir(place):
                for name in sorted(os.listdir(place)):
                    self.blame(f"{place}/{name}: is left over")
            elif os.path.lexists(place):
                self.blame(f"{place}: is left over")
        for tree in (self.srv, self.lib):
            for folder, _, names in os.walk(tree):
                for name in names:
                    if name.startswith(".") and "/workspace" not in folder:
                        self.blame(f"{folder}/{name}: a step that died left it")

    # --- each task ended once -------------------------------------------------------------------

    def check_ends(self):
        seen = collections.defaultdict(list)
        for task in self.tasks:
            seen[task.agent, task.id].append(task)
            self._receipt(task)
        for tasks in seen.values():
            if len(tasks) > 1:
                self.blame(f"in two places: {', '.join(map(str, tasks))}")
        for agent in self.agents:
            outbox = self.dir(agent, "outbox")
            expected = set()
            for task in self.tasks:
                if task.agent == agent:
                    expected |= self._outbox_of(task, outbox)
            for name in sorted(set(os.listdir(outbox)) - expected):
                self.blame(f"{agent}/outbox/{name}: belongs to no receipt")

    def _receipt(self, task):
        outcome, reason, response = task["outcome"], task["reason"], task["response"]
        if (task["agent"], task["id"]) != (task.agent, task.id):
            self.blame(f"{task}: the receipt is about {task['agent']}/{task['id']}")
        if task.went_well() != (task.state == "processed"):
            self.blame(f"{task}: its outcome is '{outcome}'")
        if (reason is None) != task.went_well():
            self.blame(f"{task}: outcome {outcome}, reason {reason}")
        if (response is not None) != task.went_well():
            self.blame(f"{task}: outcome {outcome}, response {response}")
        digest = task["sha256"]["task"]
        if digest and task.text is not None and sha256(task.text) != digest:
            self.blame(f"{task}: the task kept is not the one the receipt tells of")

    def _outbox_of(self, task, outbox):
        """The names a receipt stands for; says where what they name is something else."""
        stamp = re.sub(r"[-:]|\.\d+", "", task["claimed_at"] or task["submitted_at"])
        name = f"{stamp}-{task.id}.json"
        kept = read_plain(f"{self.dir(task.agent, task.state)}/{task.id}.json")
        if read_plain(f"{outbox}/{name}") != kept:
            self.blame(f"{task}: outbox/{name} is not the same receipt")
        response = task["response"]
        if not response:
            return {name}
        text = read_plain(f"{outbox}/{response['file']}")
        if text is None:
            self.blame(f"{task}: outbox/{response['file']} is missing")
        elif (sha256(text), len(text)) != (response["sha256"], response["bytes"]):
            self.blame(f"{task}: outbox/{response['file']} is not what the receipt tells of")
        return {name, response["file"]}

    # --- what follows from what -----------------------------------------------------------------

    def children(self, parent):
        return [
            task
            for task in self.tasks
            if task["parent"] == parent.id
            and task["hop"] == parent["hop"] + 1
            and task["root"] == parent["root"]
            and task["sender"]["agent"] == parent.agent
        ]

    def check_chains(self):
        """A forward or a reply follows from its parent exactly once, and nothing from nothing."""
        followed = set()
        for task in self.tasks:
            expected = follow_up(task)
            children = self.children(task)
            followed |= {id(child) for child in children}
            if len(children) != (1 if expected else 0):
                found = ", ".join(map(str, children)) or "nothing"
                self.blame(f"{task}: {expected or 'no task'} should follow; there is {found}")
        for task in self.tasks:
            if task["parent"] is not None and id(task) not in followed:
                self.blame(f"{task}: follows from '{task['parent']}', which is not there")

    # --- who may read it ------------------------------------------------------------------------

    def check_readable(self):
        """What people may read: files of root's, for the agent by group, for conos by ACL."""
        people = os.stat(f"{self.srv}/inbox").st_gid
        refused = {f"{t.agent}/{t.id}" for t in self.tasks if t["sha256"]["task"] is None}
        for agent in self.agents:
            gid = os.stat(f"{self.srv}/agents/{agent}").st_gid
            for state in ("outbox", *ENDED):
                for name in sorted(os.listdir(self.dir(agent, state))):
                    id, kind = split_kept(name)
                    if f"{agent}/{id}" in refused and kind in (".task", ".task.directory"):
                        continue  # kept as it came, with its sender's owner and mode
                    path = f"{self.dir(agent, state)}/{name}"
                    st = os.lstat(path)
                    if (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) != (0, gid, 0o440):
                        self.blame(f"{path}: {st.st_uid}:{st.st_gid} {st.st_mode:o}")
                    if acl_of(path).get(("group", people)) != 4:
                        self.blame(f"{path}: group conos cannot read it")

    # --- what was asked -------------------------------------------------------------------------

    def check_dropped(self, dropped):
        """Each dropped file became one task, which ended as it may, and there is no other."""
        roots = [task for task in self.tasks if task["parent"] is None]
        for drop in dropped:
            mine = [task for task in roots if is_about(drop, task)]
            if len(mine) != 1:
                places = ", ".join(map(str, mine))
                self.blame(f"'{drop['name']}': ended in {len(mine)} places: {places}")
            for task in mine:
                self._check_end(drop, task)
        for task in roots:
            if task["kind"] not in ("cron", "continuous"):
                if not any(is_about(drop, task) for drop in dropped):
                    self.blame(f"{task}: nobody dropped it")

    def _check_end(self, drop, task):
        for key, value in drop.get("says", {}).items():
            if task[key] != value:
                self.blame(f"{task}: {key} is {task[key]!r}, not {value!r}")
        last = task
        while last["outcome"] == "forwarded":
            children = self.children(last)
            if len(children) != 1:
                return  # said already
            last = children[0]
        end = [last["outcome"], last["reason"]]
        if end not in drop["ends"]:
            self.blame(f"'{drop['name']}' ends as {end} in {last}, not as one of {drop['ends']}")
        if end[0] == "answered" and drop.get("answer"):
            text = read_plain(f"{self.dir(last.agent, 'outbox')}/{last['response']['file']}")
            if text != drop["answer"].encode():
                self.blame(f"{last}: the answer is {text!r}, not {drop['answer']!r}")

    # --- the ledger -----------------------------------------------------------------------------

    def check_ledger(self):
        path = f"{self.lib}/audit.db"
        if not os.path.exists(path):
            if self.tasks:
                self.blame("there are receipts and no ledger")
            return
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = list(
                connection.execute(
                    "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events ORDER BY id"
                )
            )
            keys = dict(connection.execute("SELECT key, id FROM keys"))
        except sqlite3.Error as error:
            if self.tasks:
                self.blame(f"the ledger: {error}")
            return
        finally:
            connection.close()
        self._chain(rows)
        self._keys(rows, keys)
        self._agreement(rows)

    def _chain(self, rows):
        before = bytes(32)
        for number, (id, ts, type, actor, payload, prev, hash) in enumerate(rows, start=1):
            text = f"{id}|{ts}|{type}|{actor}|{payload}|{prev.hex()}"
            if id != number or prev != before or hashlib.sha256(text.encode()).digest() != hash:
                self.blame(f"the ledger breaks at row {id}")
                return
            before = hash

    def _keys(self, rows, keys):
        ids = {row[0] for row in rows}
        for key, id in keys.items():
            if id not in ids:
                self.blame(f"the ledger's key '{key}' names row {id}, which is not there")
        if len(set(keys.values())) != len(keys):
            self.blame("a row of the ledger has two keys")

    def _agreement(self, rows):
        about = collections.defaultdict(list)
        by_id = {}
        for id, _, type, _, payload, _, hash in rows:
            by_id[id] = (type, json.loads(payload), hash.hex())
            if type.startswith("task.") and "id" in by_id[id][1]:
                about[by_id[id][1]["agent"], by_id[id][1]["id"]].append(by_id[id][:2])
        ended = {(task.agent, task.id): task for task in self.tasks}
        for who, task in ended.items():
            self._row_of_receipt(task, by_id)
            self._rows_of_task(task, about.get(who, []))
        for who, found in about.items():
            last = [type for type, _ in found if type in TERMINAL_ROWS]
            if last and who not in ended:
                self.blame(f"the ledger has {last[0]} of {'/'.join(who)}, which has no receipt")
        for task in self.tasks:
            if task["kind"] in ("forward", "reply") and task["reason"] != "no-route":
                routed = [t for t, _ in about.get((task.agent, task.id), []) if t == "task.routed"]
                if len(routed) != 1:
                    self.blame(f"{task}: {len(routed)} rows task.routed")

    def _row_of_receipt(self, task, by_id):
        ledger = task["ledger"] or {"id": None, "hash": None}
        type, payload, hash = by_id.get(ledger["id"], (None, {}, None))
        same = (payload.get("agent"), payload.get("id")) == (task.agent, task.id)
        if type not in TERMINAL_ROWS or not same or hash != ledger["hash"]:
            self.blame(f"{task}: its receipt names row {ledger}, which is {type} of {payload}")
            return
        if payload["outcome"] != task["outcome"] or payload["attempt"] != task["attempt"]:
            self.blame(f"{task}: row {ledger['id']} says {payload}")
        response = task["response"]
        if response and payload.get("response_sha256") != response["sha256"]:
            self.blame(f"{task}: row {ledger['id']} tells of another response")

    def _rows_of_task(self, task, found):
        count = collections.Counter(type for type, _ in found)
        if sum(count[type] for type in TERMINAL_ROWS) != 1:
            self.blame(f"{task}: its ends in the ledger: {dict(count)}")
        attempt = task["attempt"]
        started = sorted(payload["attempt"] for type, payload in found if type == "task.started")
        if len(set(started)) != len(started) or any(n < 1 or n > attempt for n in started):
            self.blame(f"{task}: attempt {attempt}, started {started}")
        if task["started_at"] and attempt not in started:
            self.blame(f"{task}: attempt {attempt} was never recorded, only {started}")
        if task["started_at"] and count["task.claimed"] != 1 or count["task.claimed"] > 1:
            self.blame(f"{task}: {count['task.claimed']} rows task.claimed")
        if count["task.retried"] > count["task.held"]:
            self.blame(f"{task}: held {count['task.held']}, retried {count['task.retried']}")


# --- small things --------------------------------------------------------------------------------


def follow_up(task):
    """What must follow from a task that has ended so; None for nothing."""
    if task["outcome"] == "forwarded":
        return f"a forward to {task['forwarded_to']}"
    if task["outcome"] == "answered" and task["reply_to"]:
        return f"a reply to {task['reply_to']}"
    return None


def split_kept(name):
    for end in (".task.directory", ".task", ".json", ".log"):
        if name.endswith(end):
            return name[: -len(end)], end
    return name, None


def is_about(drop, task):
    if drop.get("token"):
        return task.text is not None and f"token: {drop['token']}\n".encode() in task.text
    return task["original_name"] == drop["name"]


def read_plain(path):
    """The bytes of a plain file; None for anything else, which opening could hang or harm."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def acl_of(path):
    """{("user"|"group", id): permissions} of the named entries of a POSIX ACL."""
    try:
        data = os.getxattr(path, "system.posix_acl_access", follow_symlinks=False)
    except OSError:
        return {}
    named = {}
    for tag, permissions, id in struct.iter_unpack("<HHI", data[4:]):
        if tag in (0x02, 0x08):
            named["user" if tag == 0x02 else "group", id] = permissions
    return named


def violations(srv, lib, dropped=None):
    """Everything that is wrong with a site, as sentences."""
    site = Site(srv, lib)
    site.check_nothing_waits()
    site.check_ends()
    site.check_chains()
    site.check_readable()
    if dropped is not None:
        site.check_dropped(dropped)
    site.check_ledger()
    return site.wrong
