"""A site to break: the trees of conos in a namespace of their own inside the test machine.

Each has its own /srv/conos and /var/lib/conos (bound there from /var/tmp/conos-faults/N) and its
own processes, so several can be broken at the same time with the same agents. All of a site's
commands run in one shell that is kept, because entering a machine costs more than what is tested.
"""

import json
import os
import shlex
import shutil
import subprocess

import invariants

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
MACHINE = f"{SOURCE}/packaging/machine"
INSIDE = "/var/tmp/conos-faults"  # in the machine


class Failed(Exception):
    """Something the tests need did not work; not a finding."""


def machine(verb, name, *args, **options):
    done = subprocess.run(
        [MACHINE, verb, name, *args], stdout=subprocess.PIPE, text=True, check=False, **options
    )
    if done.returncode != 0:
        raise Failed(f"packaging/machine {verb} {name} {' '.join(args)}: exit {done.returncode}")
    return done.stdout


def new_machine():
    """Boots one with what is built and agents to break; its name."""
    script = (
        '. "$1/tests/machine/lib.sh" && machine_name+=-steps && new_machine >&2 &&'
        ' m bash -s <"$1/tests/faults/provision" >&2 && echo "$machine_name"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "-", SOURCE], stdout=subprocess.PIPE, text=True, check=True
    )
    name = done.stdout.split()[-1]
    # units would mend what is broken by hand
    machine("exec", name, "systemctl", "stop", "conos-*.path", "conos-*.timer")
    return name


class Site:
    def __init__(self, machine_name, number):
        self.machine_name = machine_name
        self.number = number
        self.root = machine("root", machine_name).strip()
        self.top = f"{self.root}{INSIDE}/{number}"
        self.srv = f"{self.top}/srv"
        self.lib = f"{self.top}/lib"
        self.trace = f"{self.top}/trace"
        self.agents = sorted(os.listdir(f"{self.root}/srv/conos/agents"))
        shutil.rmtree(self.top, ignore_errors=True)
        os.makedirs(self.top)
        self._fill()
        self._shell = self._enter()
        self._ambush = None
        self.uids = {name: self.settings(name)["uid"] for name in self.agents}

    def _fill(self):
        for tree, name in (("srv/conos", self.srv), ("var/lib/conos", self.lib)):
            subprocess.run(["cp", "-a", f"{self.root}/{tree}", name], check=True)
        self._empty = self._picture()
        self._files = {p: (self._read(p), self._stamp(p)) for p in self._walk()}

    def _enter(self):
        """A shell in namespaces of its own; dies with us."""
        inside = f"{INSIDE}/{self.number}"
        enter = (
            f"{self._mount_inside()} mount --bind {inside}/srv /srv/conos &&"
            f" mount --bind {inside}/lib /var/lib/conos && exec bash"
        )
        return subprocess.Popen(
            [MACHINE, "exec", self.machine_name, "unshare", "--mount", "--pid", "--fork",
             "--kill-child", "--mount-proc", "bash", "-c", enter],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            errors="backslashreplace",
        )  # fmt: skip

    def _mount_inside(self):
        return ""

    def close(self):
        self._shell.stdin.close()
        self._shell.wait()

    # --- commands in it ----------------------------------------------------------------------------

    def sh(self, command):
        """Runs a shell command; its exit status and what it printed, errors included."""
        end = "--- end of command ---"
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null 2>&1; echo; echo '{end}' $?\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line.startswith(end):
                return int(line[len(end) :]), "".join(lines).strip()
            lines.append(line)
        raise Failed(f"the shell in the machine ended during: {command}")

    def command(self, step, agent, strace=""):
        """The command line of a step, as root or as the agent, perhaps under strace."""
        program = {
            "route": "conos-route",
            "sweep": "conos-run sweep",
            "cron": f"conos-run cron {agent}",
        }.get(step, f"conos-run {step} {agent}")
        if step == "work":
            # strace must stay root's: work ends every other process of the agent's
            return (
                f"{strace} -u a-{agent} {program}"
                if strace
                else f"setpriv --reuid {self.uids[agent]} --regid {self.uids[agent]}"
                f" --clear-groups {program}"
            )
        return f"{strace} {program}"

    def step(self, step, agent=None, strace=""):
        return self.sh(self.command(step, agent, strace))

    def strace(self, *expressions):
        quoted = " ".join(f"-e {shlex.quote(e)}" for e in expressions)
        return f"strace -qq -o {INSIDE}/{self.number}/trace {quoted}"

    def struck(self):
        """Whether the last run under strace met its fault."""
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            return any("(INJECTED)" in line or "killed by SIGKILL" in line for line in file)

    def end_processes_of(self, agent):
        """As systemd does before ExecStopPost=."""
        self.sh(f"setpriv --reuid {self.uids[agent]} --clear-groups bash -c 'kill -KILL -1'")

    # --- its content -----------------------------------------------------------------------------

    def _picture(self):
        """Every directory, by its path below `top`, with its owner, mode and ACL."""
        picture = {}
        for tree in (self.srv, self.lib):
            for folder, _, _ in os.walk(tree):
                st = os.lstat(folder)
                acl = tuple(sorted(invariants.acl_of(folder).items()))
                picture[self._below(folder)] = (st.st_uid, st.st_gid, st.st_mode, acl)
        return picture

    def _walk(self):
        """Everything else, likewise."""
        for tree in (self.srv, self.lib):
            for folder, _, names in os.walk(tree):
                yield from (self._below(f"{folder}/{name}") for name in names)

    def _below(self, path):
        return path[len(self.top) + 1 :]

    def _read(self, path):
        return invariants.read_plain(f"{self.top}/{path}")

    def _stamp(self, path):
        """What is different when a file was written or replaced."""
        try:
            st = os.lstat(f"{self.top}/{path}")
        except OSError:
            return None
        return st.st_ino, st.st_size, st.st_mtime_ns

    def changed_directories(self):
        """Of those the site began with: they must be as they were."""
        now = self._picture()
        return [
            f"{path}: was {was}, is {now.get(path)}"
            for path, was in self._empty.items()
            if now.get(path) != was
        ]

    def reset(self):
        """As it was made, with every directory the one it was."""
        for tree in (self.srv, self.lib):
            for folder, _, _ in os.walk(tree):
                if self._below(folder) not in self._empty:
                    shutil.rmtree(folder)
        for path in list(self._walk()):
            if path not in self._files:
                os.unlink(f"{self.top}/{path}")
        for path, (content, made) in self._files.items():
            if self._stamp(path) != made:
                write(f"{self.top}/{path}", content, 0o600)
                self._files[path] = content, self._stamp(path)

    def without_ledger(self):
        for name in os.listdir(self.lib):
            if name.startswith("audit.db"):
                os.unlink(f"{self.lib}/{name}")

    def settings(self, agent):
        with open(f"{self.lib}/compiled/{agent}.json", encoding="utf-8") as file:
            return json.load(file)

    def drop(self, place, name, data, uid=0, mode=0o600):
        """A file as its sender would have left it: `place` is an agent or "outer"."""
        inbox = f"{self.srv}/inbox" if place == "outer" else f"{self.srv}/agents/{place}/inbox"
        path = f"{inbox}/{name}"
        write(f"{inbox}/.coming", data, mode)
        os.chown(f"{inbox}/.coming", uid, uid)
        os.rename(f"{inbox}/.coming", path)
        return path

    # --- letting it run to its end -------------------------------------------------------------------

    def has(self, place):
        return any(not name.startswith(".") for name in os.listdir(place))

    def make_due(self):
        """Nothing but time: what is held is held until a moment ago. False when nothing is held."""
        held = False
        for agent in self.agents:
            for state in ("held", "claimed"):
                for id in os.listdir(f"{self.srv}/agents/{agent}/{state}"):
                    held |= state == "held"
                    path = f"{self.srv}/agents/{agent}/{state}/{id}/meta.json"
                    self._end_wait(path)
        return held

    @staticmethod
    def _end_wait(path):
        try:
            with open(path, "r+", encoding="utf-8") as file:
                meta = json.load(file)
                if meta["not_before"] is None:
                    return
                meta["not_before"] = "2020-01-01T00:00:00.000Z"
                file.seek(0)
                file.truncate()
                file.write(json.dumps(meta, indent=1, sort_keys=True) + "\n")
        except OSError:
            pass

    def ambush(self, which, strace):
        """Puts the step that is the `which`th from now under strace."""
        self._ambush = (which, strace)

    def _next_strace(self):
        if not self._ambush:
            return ""
        which, strace = self._ambush
        self._ambush = (which - 1, strace) if which > 1 else None
        return strace if which == 1 else ""

    def _recovering(self, step, agent=None):
        """One step, perhaps with an ambush in it; what it complains of when it had none."""
        strace = self._next_strace()
        status, text = self.step(step, agent, strace)
        if strace and step == "work":
            self.end_processes_of(agent)
        return status, "" if status == 0 or strace else f"{step} ended with {status}: {text}"

    def activate(self, agent):
        """What one start of the agent's unit does; the complaints of its steps."""
        if self._ambush:
            status, said = self._recovering("claim", agent)
            if status == 0:
                said += self._recovering("work", agent)[1]
            return said + self._recovering("deliver", agent)[1]
        script = (
            f"{self.command('claim', agent)} || echo claim ended with $?;"
            f" [ ! -e /srv/conos/agents/{agent}/batch.json ] || {self.command('work', agent)}"
            f" || echo work ended with $?;"
            f" {self.command('deliver', agent)} || echo deliver ended with $?"
        )
        return self.sh(script)[1]

    def activate_all(self):
        return [said for said in map(self.activate, self.agents) if "ended with" in said]

    def run_to_the_end(self, rounds=30):
        """What systemd would start as long as there is something to do."""
        said = []
        for _ in range(rounds):
            did = False
            if self.has(f"{self.srv}/inbox") or self.has(f"{self.srv}/transit"):
                did = True
                said.append(self._recovering("route")[1])
            for agent in self.agents:
                top = f"{self.srv}/agents/{agent}"
                if self.has(f"{top}/inbox") or self.has(f"{top}/claimed"):
                    did = True
                    said.append(self.activate(agent))
            if self.make_due():
                did = True
                said.append(self._recovering("sweep")[1])
            if not did:
                break
        else:
            said.append(f"not quiet after {rounds} rounds")
        said.append(self._recovering("sweep")[1])  # its timer never stops
        self._ambush = None
        return [text for text in said if "ended with" in text or "not quiet" in text]


def write(path, data, mode):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
        os.fchmod(file.fileno(), mode)
