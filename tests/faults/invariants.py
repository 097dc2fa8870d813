"""What is true of a site whatever was killed in it, and when.

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

STATES = ("claimed", "held", "processed", "failed")
ENDED = ("processed", "failed")
WENT_WELL = ("answered", "forwarded")
TERMINAL_ROWS = ("task.delivered", "task.forwarded", "task.failed", "task.refused")
GENESIS = "0" * 64
KEEPS_WHAT_IT_WAS_GIVEN = ("not-a-file", "symlink", "hard-link")


class Task:
    """One task of one agent, in one state: what the record of it there says."""

    def __init__(self, agent, id, state, record):
        self.agent = agent
        self.id = id
        self.state = state
        self.record = record  # meta.json or the receipt; None while there is neither
        self.text = None  # of the task, where it can be read

    def __str__(self):
        return f"{self.agent}/{self.state}/{self.id}"

    def get(self, key):
        return self.record.get(key) if self.record else None

    @property
    def is_root(self):
        return self.get("parent") is None


class Site:
    """The trees, and every task found in them."""

    def __init__(self, srv, lib):
        self.srv = srv
        self.lib = lib
        self.wrong = []
        self.agents = sorted(os.listdir(f"{srv}/agents"))
        self.tasks = []
        self.waiting = []  # (place, name, text) in an inbox, the outer one or an agent's
        self._read()

    def blame(self, sentence):
        self.wrong.append(sentence)

    def dir(self, agent, state):
        return f"{self.srv}/agents/{agent}/{state}"

    # --- reading -------------------------------------------------------------------------------

    def _read(self):
        self._read_inbox("the outer inbox", f"{self.srv}/inbox")
        for agent in self.agents:
            self._read_inbox(f"{agent}/inbox", self.dir(agent, "inbox"))
            for state in ("claimed", "held"):
                for id in sorted(os.listdir(self.dir(agent, state))):
                    self._read_open(agent, state, id)
            for state in ENDED:
                self._read_ended(agent, state)
        for id in sorted(os.listdir(f"{self.srv}/transit")):
            if not id.startswith("."):
                self._read_transit(id)

    def _read_inbox(self, place, path):
        for name in sorted(os.listdir(os.fsencode(path))):
            shown = os.fsdecode(name)
            if not shown.endswith(".meta.json"):
                self.waiting.append((place, shown, read_text(os.path.join(os.fsencode(path), name))))

    def _read_open(self, agent, state, id):
        path = f"{self.dir(agent, state)}/{id}"
        names = os.listdir(path)
        if not set(names) & {"original", "meta.json", "outcome.json"}:
            return  # a claim died before it moved anything: no task yet
        record = None
        for name in ("outcome.json", "meta.json"):
            if name in names:
                record = self._json(f"{path}/{name}")
                break
        task = Task(agent, id, state, record)
        task.text = read_text(f"{path}/task")
        if task.text is None:
            task.text = read_text(f"{path}/original")
        self.tasks.append(task)

    def _read_ended(self, agent, state):
        path = self.dir(agent, state)
        names = set(os.listdir(path))
        for name in sorted(names):
            stem, kind = split_kept(name)
            if kind is None:
                self.blame(f"{agent}/{state}/{name}: is nothing that belongs there")
            elif kind != ".json" and stem + ".json" not in names and not self._is_open(agent, stem):
                self.blame(f"{agent}/{state}/{name}: has no receipt beside it")
            if kind == ".json":
                task = Task(agent, stem, state, self._json(f"{path}/{name}"))
                task.text = read_text(f"{path}/{stem}.task")
                self.tasks.append(task)
                if not {stem + ".task", stem + ".task.directory"} & names:
                    self.blame(f"{task}: the receipt is there, the task is not")

    def _is_open(self, agent, id):
        return any(os.path.exists(f"{self.dir(agent, state)}/{id}") for state in ("claimed", "held"))

    def _read_transit(self, id):
        path = f"{self.srv}/transit/{id}"
        record = self._json(f"{path}/meta.json") if os.path.exists(f"{path}/meta.json") else None
        if record is None:
            self.blame(f"transit/{id}: no meta.json")
            return
        task = Task(record["agent"], record["id"], "transit", record)
        task.text = read_text(f"{path}/task")
        self.tasks.append(task)

    def _json(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError) as error:
            self.blame(f"{path}: {error}")
            return None

    # --- what must hold at every moment ----------------------------------------------------------

    def check(self):
        self._one_state_each()
        self._receipts()
        self._outboxes()
        self._chains()

    def _one_state_each(self):
        """A finish that was interrupted leaves a decided task in claimed/ beside what it named."""
        seen = collections.defaultdict(list)
        for task in self.tasks:
            seen[task.agent, task.id].append(task)
        for (agent, id), tasks in seen.items():
            states = [task.state for task in tasks]
            if "claimed" in states and os.path.exists(
                f"{self.dir(agent, 'claimed')}/{id}/outcome.json"
            ):
                states = [state for state in states if state not in ENDED]
            if len(states) > 1:
                self.blame(f"{agent}/{id}: is in {' and in '.join(states)}")

    def ended(self):
        return [task for task in self.tasks if task.state in ENDED and task.record]

    def _receipts(self):
        for task in self.ended():
            receipt = task.record
            if receipt["id"] != task.id or receipt["agent"] != task.agent:
                self.blame(f"{task}: the receipt is about {receipt['agent']}/{receipt['id']}")
            if (receipt["outcome"] in WENT_WELL) != (task.state == "processed"):
                self.blame(f"{task}: its outcome is '{receipt['outcome']}'")
            if (receipt["reason"] is None) != (receipt["outcome"] in WENT_WELL):
                self.blame(f"{task}: outcome {receipt['outcome']}, reason {receipt['reason']}")
            if (receipt["response"] is None) == (receipt["outcome"] in WENT_WELL):
                self.blame(f"{task}: outcome {receipt['outcome']}, response {receipt['response']}")
            digest = receipt["sha256"]["task"]
            if digest and task.text is not None and sha256(task.text) != digest:
                self.blame(f"{task}: the task kept is not the one the receipt tells of")

    def _outboxes(self):
        for agent in self.agents:
            outbox = self.dir(agent, "outbox")
            expected = set()
            for task in self.ended():
                if task.agent == agent:
                    expected |= self._outbox_of(task, outbox)
            for name in sorted(set(os.listdir(outbox)) - expected):
                if not self._is_unfinished(agent, name):
                    self.blame(f"{agent}/outbox/{name}: belongs to no receipt")

    def _is_unfinished(self, agent, name):
        """Named by a finish, or staged by a deliver, that has not come to its end."""
        return any(
            f"-{task.id}." in name
            for task in self.tasks
            if task.agent == agent and task.state in ("claimed", "held")
        )

    def _outbox_of(self, task, outbox):
        receipt = task.record
        stamp = re.sub(r"[-:]|\.\d+", "", receipt["claimed_at"] or receipt["submitted_at"])
        name = f"{stamp}-{task.id}.json"
        kept = read_bytes(f"{self.dir(task.agent, task.state)}/{task.id}.json")
        if read_bytes(f"{outbox}/{name}") != kept and not self._is_open(task.agent, task.id):
            self.blame(f"{task}: outbox/{name} is not the same receipt")
        names = {name}
        response = receipt["response"]
        if response:
            names.add(response["file"])
            text = read_bytes(f"{outbox}/{response['file']}")
            if text is None:
                if not self._is_open(task.agent, task.id):
                    self.blame(f"{task}: outbox/{response['file']} is missing")
            elif sha256(text) != response["sha256"] or len(text) != response["bytes"]:
                self.blame(f"{task}: outbox/{response['file']} is not what the receipt tells of")
        return names

    def children(self, parent):
        return [
            task
            for task in self.tasks
            if task.get("parent") == parent.id
            and task.get("hop") == parent.get("hop") + 1
            and task.get("root") == parent.get("root")
            and (task.get("sender") or {}).get("agent") == parent.agent
        ]

    def _chains(self):
        """A forward or a reply follows from its parent exactly once, and nothing from nothing."""
        claimed_by_a_parent = set()
        for task in self.ended():
            expected = follow_up(task.record)
            children = self.children(task)
            claimed_by_a_parent |= {id(child) for child in children}
            if len(children) != (1 if expected else 0):
                found = ", ".join(map(str, children)) or "nothing"
                self.blame(f"{task}: {expected or 'no task'} should follow; there is {found}")
        for task in self.tasks:
            if task.record and not task.is_root and id(task) not in claimed_by_a_parent:
                if not self._parent_is_being_finished(task):
                    self.blame(f"{task}: follows from '{task.get('parent')}', which is not there")

    def _parent_is_being_finished(self, child):
        return any(
            task.id == child.get("parent") and task.state == "claimed" and task.get("outcome")
            for task in self.tasks
        )

    # --- what must hold once nothing is left to do -------------------------------------------------

    def check_quiet(self):
        for place, name, _ in self.waiting:
            self.blame(f"{place}/{name}: still waits")
        for task in self.tasks:
            if task.state not in ENDED:
                self.blame(f"{task}: has not ended")
        for agent in self.agents:
            top = f"{self.srv}/agents/{agent}"
            for state in ("claimed", "held", "drafts", "inbox"):
                for name in os.listdir(f"{top}/{state}"):
                    self.blame(f"{agent}/{state}/{name}: is left over")
            if os.path.exists(f"{top}/batch.json"):
                self.blame(f"{agent}/batch.json: is left over")
        for path in (f"{self.srv}/transit", f"{self.srv}/inbox"):
            for name in os.listdir(path):
                self.blame(f"{path}/{name}: is left over")
        for path in (self.srv, self.lib):
            for folder, _, names in os.walk(path):
                for name in names:
                    if name.startswith(".") and "/workspace" not in folder:
                        self.blame(f"{folder}/{name}: a step that died left it")
        self._readable()

    def _readable(self):
        """What people may read: files of root's, for the agent by group, for conos by ACL."""
        people = group_of_path(f"{self.srv}/inbox")
        for agent in self.agents:
            gid = os.stat(f"{self.srv}/agents/{agent}").st_gid
            for state in ("outbox", "processed", "failed"):
                for name in sorted(os.listdir(self.dir(agent, state))):
                    path = f"{self.dir(agent, state)}/{name}"
                    st = os.lstat(path)
                    if self._is_a_strangers(agent, state, name):
                        continue
                    if (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) != (0, gid, 0o440):
                        self.blame(
                            f"{agent}/{state}/{name}: {st.st_uid}:{st.st_gid} {st.st_mode:o}"
                        )
                    if acl_of(path).get(("group", people)) != 4:
                        self.blame(f"{agent}/{state}/{name}: group conos cannot read it")

    def _is_a_strangers(self, agent, state, name):
        """A refused file is kept as it came, its owner and mode are its sender's."""
        stem, kind = split_kept(name)
        if state != "failed" or kind not in (".task", ".task.directory"):
            return False
        return any(
            task.get("sha256") and task.get("sha256")["task"] is None
            for task in self.tasks
            if (task.agent, task.id) == (agent, stem)
        )

    # --- what was asked ------------------------------------------------------------------------

    def check_dropped(self, dropped):
        """Each dropped file is in one place, and where its chain has ended, ended as it may."""
        roots = [task for task in self.tasks if task.record is None or task.is_root]
        for drop in dropped:
            mine = [task for task in roots if is_about(drop, task)]
            places = [f"{place}/{name}" for place, name, text in self.waiting if holds(drop, text)]
            places += [str(task) for task in mine]
            if len(places) != 1 and not self._is_decided_twice(mine):
                self.blame(f"'{drop['name']}': is in {len(places)} places: {', '.join(places)}")
            for task in mine:
                if task.state in ENDED:
                    self._check_end(drop, task)
        strangers = [t for t in roots if not any(is_about(drop, t) for drop in dropped)]
        for task in strangers:
            if task.get("kind") not in ("cron", "continuous"):
                self.blame(f"{task}: nobody dropped it")

    def _is_decided_twice(self, tasks):
        return len({(task.agent, task.id) for task in tasks}) == 1 and len(tasks) == 2

    def _check_end(self, drop, task):
        last = task
        while last.get("outcome") == "forwarded":
            children = self.children(last)
            if len(children) != 1:
                return  # said already
            last = children[0]
            if last.state not in ENDED:
                return
        end = [last.get("outcome"), last.get("reason")]
        if end not in drop["ends"]:
            self.blame(f"'{drop['name']}' ends as {end} in {last}, not as one of {drop['ends']}")
        for key, value in drop.get("says", {}).items():
            if task.get(key) != value:
                self.blame(f"{task}: {key} is {task.get(key)!r}, not {value!r}")
        if end[0] == "answered" and drop.get("answer"):
            text = read_text(f"{self.dir(last.agent, 'outbox')}/{last.get('response')['file']}")
            if text != drop["answer"].encode():
                self.blame(f"{last}: the answer is {text!r}, not {drop['answer']!r}")

    # --- the ledger ------------------------------------------------------------------------------

    def check_ledger(self):
        path = f"{self.lib}/audit.db"
        if not os.path.exists(path):
            if self.ended():
                self.blame("there are receipts and no ledger")
            return
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            if "events" not in tables and not self.ended():
                return  # its maker was killed, and the next completes it
            rows = list(
                connection.execute(
                    "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events ORDER BY id"
                )
            )
            keys = dict(connection.execute("SELECT key, id FROM keys"))
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
        ended = {(task.agent, task.id): task for task in self.ended()}
        for who, task in ended.items():
            self._row_of_receipt(task, by_id)
            self._rows_of_task(task, about.get(who, []))
        for who, found in about.items():
            last = [type for type, _ in found if type in TERMINAL_ROWS]
            if last and who not in ended and not self._is_open(*who):
                self.blame(f"the ledger has {last[0]} of {'/'.join(who)}, which has no receipt")
        for task in self.tasks:
            if task.get("kind") in ("forward", "reply") and task.state != "transit":
                routed = [t for t, _ in about.get((task.agent, task.id), []) if t == "task.routed"]
                if task.get("reason") != "no-route" and len(routed) != 1:
                    self.blame(f"{task}: {len(routed)} rows task.routed")

    def _row_of_receipt(self, task, by_id):
        ledger = task.record["ledger"]
        type, payload, hash = by_id.get(ledger["id"], (None, {}, None)) if ledger else (None, {}, None)
        same = (payload.get("agent"), payload.get("id")) == (task.agent, task.id)
        if type not in TERMINAL_ROWS or not same or hash != ledger["hash"]:
            self.blame(f"{task}: its receipt names row {ledger}, which is {type} of {payload}")
            return
        if payload["outcome"] != task.record["outcome"] or payload["attempt"] != task.get("attempt"):
            self.blame(f"{task}: row {ledger['id']} says {payload}")
        response = task.record["response"]
        if response and payload.get("response_sha256") != response["sha256"]:
            self.blame(f"{task}: row {ledger['id']} tells of another response")

    def _rows_of_task(self, task, found):
        count = collections.Counter(type for type, _ in found)
        if sum(count[type] for type in TERMINAL_ROWS) != 1:
            self.blame(f"{task}: its ends in the ledger: {dict(count)}")
        attempt = task.get("attempt")
        started = sorted(payload["attempt"] for type, payload in found if type == "task.started")
        if len(set(started)) != len(started) or any(n < 1 or n > attempt for n in started):
            self.blame(f"{task}: attempt {attempt}, started {started}")
        if task.get("started_at") and attempt not in started:
            self.blame(f"{task}: attempt {attempt} was never recorded, only {started}")
        if task.get("started_at") and count["task.claimed"] != 1 or count["task.claimed"] > 1:
            self.blame(f"{task}: {count['task.claimed']} rows task.claimed")
        if count["task.retried"] > count["task.held"]:
            self.blame(f"{task}: held {count['task.held']}, retried {count['task.retried']}")


# --- small things --------------------------------------------------------------------------------


def follow_up(receipt):
    """What must follow from a task that has ended so; None for nothing."""
    if receipt["outcome"] == "forwarded":
        return f"a forward to {receipt['forwarded_to']}"
    if receipt["outcome"] == "answered" and receipt["reply_to"]:
        return f"a reply to {receipt['reply_to']}"
    return None


def split_kept(name):
    for end in (".task.directory", ".task", ".json", ".log"):
        if name.endswith(end):
            return name[: -len(end)], end
    return name, None


def is_about(drop, task):
    if drop.get("token"):
        return holds(drop, task.text)
    return task.get("original_name") == drop["name"]


def holds(drop, text):
    return bool(drop.get("token")) and text is not None and f"token: {drop['token']}\n".encode() in text


def read_bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def read_text(path):
    """The bytes of a plain file; None for anything else, which opening could hang or harm."""
    try:
        return read_bytes(path) if stat.S_ISREG(os.lstat(path).st_mode) else None
    except OSError:
        return None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def group_of_path(path):
    return os.stat(path).st_gid


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


def violations(srv, lib, dropped=None, quiet=True):
    """Everything that is wrong with a site, as sentences."""
    site = Site(srv, lib)
    site.check()
    if dropped is not None:
        site.check_dropped(dropped)
    if quiet:
        site.check_quiet()
    site.check_ledger()
    return site.wrong
