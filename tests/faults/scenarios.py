"""What is going on when the fault happens.

A scenario drops tasks and names the steps that bring them to their end when nothing goes wrong. The
fault is put into one of the steps; what was dropped says how it may end in spite of it.
"""

import json
import os
import shutil

ANSWERED = ["answered", None]


def task(token, do="answer", header=""):
    body = f"token: {token}\ndo: {do}\n"
    return f"conos-task/1\n{header}\n\n{body}" if header else body


def dropped(name, token=None, ends=(ANSWERED,), answer=None, **says):
    if token and ANSWERED in ends and answer is None:
        answer = f"answer to {token}\n"
    return {"name": name, "token": token, "ends": list(ends), "answer": answer, "says": says}


class Scenario:
    """`begin` brings a fresh site to where the plan starts and returns what was dropped."""

    def __init__(self, plan, begin):
        self.plan = [tuple(step.split()) for step in plan.split(", ")]
        self.begin = begin
        self.__doc__ = begin.__doc__

    def labels(self):
        """claim, work, deliver, claim-2: the steps of the plan, each with a name of its own."""
        steps = [step for step, *_ in self.plan]
        times = [steps[: index + 1].count(step) for index, step in enumerate(steps)]
        return [step if n == 1 else f"{step}-{n}" for step, n in zip(steps, times)]


SCENARIOS = {}


def scenario(plan):
    def add(begin):
        SCENARIOS[begin.__name__.replace("_", "-")] = Scenario(plan, begin)
        return begin

    return add


def run(site, steps):
    for step in steps.split(", "):
        status, said = site.step(*step.split())
        if status != 0:
            raise RuntimeError(f"{step} ended with {status}: {said}")


# --- one after the other ---------------------------------------------------------------------------


@scenario("claim alpha, work alpha, deliver alpha")
def single(site):
    """one task"""
    site.drop("alpha", "single.task", task("single"))
    return [dropped("single.task", "single", trust="verified")]


@scenario("claim alpha, work alpha, deliver alpha")
def batch(site):
    """three tasks of one sender"""
    for n in "123":
        site.drop("alpha", f"b{n}.task", task(f"b{n}"), uid=1234)
    return [dropped(f"b{n}.task", f"b{n}", trust="unverified") for n in "123"]


@scenario("claim alpha, work alpha, deliver alpha, route, claim beta, work beta, deliver beta")
def forward(site):
    """alpha passes its task on to beta"""
    site.drop("alpha", "fwd.task", task("fwd", "forward beta"))
    return [dropped("fwd.task", "fwd")]


@scenario("claim alpha, work alpha, deliver alpha, route, claim beta, work beta, deliver beta")
def reply(site):
    """beta asks alpha and wants the answer in its own inbox"""
    text = task("reply", header="Reply: inbox")
    site.drop("alpha", "reply.task", text, uid=site.uids["beta"])
    return [dropped("reply.task", "reply", reply_to="beta", trust="unverified")]


@scenario("claim alpha, work alpha, deliver alpha")
def refused(site):
    """things that are no tasks, before and behind one that is"""
    inbox = f"{site.srv}/agents/alpha/inbox"
    os.mkfifo(f"{inbox}/a-fifo.task")
    os.symlink("/etc/passwd", f"{inbox}/b-link.task")
    os.mkdir(f"{inbox}/c-empty.task")
    os.mkdir(f"{inbox}/d-full.task")
    site.drop("alpha", "d-full.task/inside", "text")
    site.drop("alpha", "e-hard.task", "text")
    elsewhere = f"{site.top}/hard"
    if os.path.exists(elsewhere):
        os.unlink(elsewhere)
    os.link(f"{inbox}/e-hard.task", elsewhere)
    site.drop("alpha", "f-binary.task", b"\xff\xfe\x00")
    site.drop("alpha", "g-no-name", "text")
    site.drop("alpha", "m-good.task", task("good"))
    site.drop("alpha", "z-header.task", "conos-task/1\nno header\n\ntext")
    why = {
        "a-fifo.task": "not-a-file", "b-link.task": "symlink", "c-empty.task": "not-a-file",
        "d-full.task": "not-a-file", "e-hard.task": "hard-link", "f-binary.task": "not-utf8",
        "g-no-name": "bad-name", "z-header.task": "bad-header",
    }  # fmt: skip
    refusals = [dropped(name, ends=[["failed", reason]]) for name, reason in why.items()]
    return refusals + [dropped("m-good.task", "good")]


@scenario("claim alpha, work alpha, deliver alpha, due, sweep, claim alpha, work alpha, deliver alpha")
def retry(site):
    """a runner that fails each of its attempts"""
    site.drop("alpha", "retry.task", task("retry", "fail"))
    ends = ["runner-exit", "runner-signal", "unstartable", "attempts"]
    return [dropped("retry.task", "retry", [["failed", reason] for reason in ends])]


@scenario("claim alpha, due, sweep, claim alpha, work alpha, deliver alpha")
def left(site):
    """a task an activation died with"""
    site.drop("alpha", "left.task", task("left"))
    run(site, "claim alpha")
    return [dropped("left.task", "left")]


@scenario("claim alpha")
def expired(site):
    """a task whose deadline has passed"""
    site.drop("alpha", "late.task", task("late", header="Deadline: 2020-01-01T00:00:00Z"))
    return [dropped("late.task", "late", [["expired", "deadline"]])]


@scenario("claim alpha, due, sweep, claim alpha, work alpha, deliver alpha")
def not_before(site):
    """a task that is to wait"""
    site.drop("alpha", "wait.task", task("wait", header="Not-Before: 2099-01-01T00:00:00Z"))
    return [dropped("wait.task", "wait")]


@scenario("route, claim alpha, work alpha, deliver alpha, claim beta, work beta, deliver beta")
def outer(site):
    """the outer inbox, one with an address"""
    site.drop("outer", "o1.task", task("o1"), uid=1234)
    site.drop("outer", "o2.task", task("o2", header="To: beta"), uid=1234)
    return [dropped("o1.task", "o1", agent="alpha"), dropped("o2.task", "o2", agent="beta")]


def sidecar_of(site, place, name):
    about = json.dumps({"source": "telegram", "thread_id": "t-1"})
    path = site.drop(place, f"{name}.meta.json", about, uid=1234)
    os.utime(path, (1577836800, 1577836800))


@scenario("claim alpha, work alpha, deliver alpha")
def sidecar(site):
    """a task with a second file that tells about it"""
    sidecar_of(site, "alpha", "side.task")
    site.drop("alpha", "side.task", task("side"), uid=1234)
    return [dropped("side.task", "side", source="telegram")]


@scenario("route, claim alpha, work alpha, deliver alpha")
def outer_sidecar(site):
    """the same in the outer inbox"""
    sidecar_of(site, "outer", "side.task")
    site.drop("outer", "side.task", task("side"), uid=1234)
    return [dropped("side.task", "side", source="telegram")]


@scenario("claim alpha, work alpha, deliver alpha, claim alpha, work alpha, deliver alpha")
def thread(site):
    """two tasks of one conversation"""
    for n in "12":
        site.drop("alpha", f"t{n}.task", task(f"t{n}", header="Thread: talk"))
    return [dropped(f"t{n}.task", f"t{n}") for n in "12"]


@scenario("route, route, claim gamma, work gamma, deliver gamma")
def same_name(site):
    """two tasks of one name with two agents, forwarded to a third"""
    for agent in ("alpha", "beta"):
        site.drop(agent, "hello.task", task(f"for-{agent}", "forward gamma"))
        run(site, f"claim {agent}, work {agent}, deliver {agent}")
    return [dropped("hello.task", f"for-{agent}") for agent in ("alpha", "beta")]


@scenario("route")
def repeated(site):
    """a forward that is in transit again after its first copy has arrived"""
    site.drop("alpha", "again.task", task("again", "forward beta"))
    run(site, "claim alpha, work alpha, deliver alpha")
    shutil.copytree(f"{site.srv}/transit/again.1", f"{site.top}/again.1")
    run(site, "route")
    shutil.move(f"{site.top}/again.1", f"{site.srv}/transit/again.1")
    os.chmod(f"{site.srv}/transit/again.1", 0o700)
    return [dropped("again.task", "again")]


@scenario("route, claim alpha")
def nobody(site):
    """a forward to an agent that is gone"""
    site.drop("beta", "gone.task", task("gone", "forward gamma"))
    run(site, "claim beta, work beta, deliver beta")
    path = f"{site.srv}/transit/gone.1/meta.json"
    with open(path, encoding="utf-8") as file:
        meta = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict(meta, agent="nobody"), file)
    return [dropped("gone.task", "gone", [["failed", "no-route"]])]


@scenario("cron alpha, route, claim alpha, work alpha, deliver alpha")
def cron(_site):
    """the task of a schedule"""
    return []


@scenario("claim alpha, work alpha, deliver alpha")
def first_row(site):
    """a machine whose ledger is yet to be made"""
    site.without_ledger()
    site.drop("alpha", "first.task", task("first"))
    return [dropped("first.task", "first")]
