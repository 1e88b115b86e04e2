"""Kill runs at random moments, and close their terminals: no file is lost, no process is left, no record is half, and the
history counts each finished run once.

`nox -s killed` (`-- --runs 60 --terminals 10 --seed 1`). Each run is of a small project with files of its own in and beside
its reports, and with gates whose processes hide. What does not hold is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import pty
import random
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gates.portable.errors import GatesError
from gates.results.files import load_run, load_tests
from gates.storage.cache import Store
from gates.storage.history import FILE
from gates.vcs.git import Git
from tests.gates.run.waiting import is_alive
from tests.integration.project import PATIENCE, Project, checklist, pytest_gate, python_gate

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDE = """
import os, sys, time
if not os.fork():
    os.setsid()
    if os.fork(): os._exit(0)
    with open(f"pids/{os.getpid()}", "w"): pass
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], {})
with open(f"pids/{os.getpid()}", "w"): pass
time.sleep(0.3)
"""
"""A gate with a process that leaves its group, its session and its parent, and drops every variable."""

MINE = {
    "src/thing.py": "VALUE = 1\n",
    "notes.txt": "mine\n",
    "reports/mine.md": "mine\n",
    "reports/logs/server.log": "mine\n",
    "reports/confirm/2024-01/data.csv": "1,2\n",
    "test_it.py": "import pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_it(n): pass\n",
}
"""Files that are not ours to touch."""


def make(folder: Path, cache: Path) -> Project:
    project = Project(folder, cache)
    project.environment["TMPDIR"] = str(folder.with_name("temporary"))
    Path(project.environment["TMPDIR"]).mkdir()
    hide = python_gate("hide", "hide.py") + 'timeout = "30s"\n'
    project.write(
        MINE | {"hide.py": HIDE, ".gitignore": "pids\nreports\n__pycache__\n"} | checklist(pytest_gate(), hide)
    )
    project.commit()
    return project


def digests(project: Project) -> dict[str, str]:
    """What the user's files hold; links are told from files."""
    found = {}
    for name in MINE:
        path = project.folder / name
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b"gone"
        found[name] = hashlib.sha256(content).hexdigest()
    return found


def left_alive(project: Project) -> list[int]:
    """Processes of the gates that still live, a moment after the end."""
    deadline = time.monotonic() + 10
    while True:
        pids = [int(path.name) for path in (project.folder / "pids").iterdir() if is_alive(int(path.name))]
        if not pids or time.monotonic() > deadline:
            return pids
        time.sleep(0.02)


def faults(project: Project, before: dict[str, str]) -> Iterator[str]:
    """What does not hold after a run that was ended."""
    after = digests(project)
    yield from (f"{name} changed" for name, digest in before.items() if after[name] != digest)
    pids = left_alive(project)
    for pid in pids:
        yield f"process {pid} is left"
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    run_file, summary = project.reports / "run.json", project.reports / "summary.md"
    try:
        run = load_run(run_file) if run_file.exists() else None
        load_tests(project.reports / "tests.jsonl")
    except GatesError as error:
        yield f"a record is half: {error}"
        return
    if summary.exists() and (run is None or not run.complete):
        yield "there is a summary of a run that is not complete"
    if project.leftovers():
        yield f"files were written aside: {project.leftovers()}"


def one_kill(project: Project, moment: float) -> str:
    """Kill a run; in which state it was."""
    with project.start("run") as process:
        time.sleep(moment)
        ended = process.poll() is not None
        process.kill()
        process.communicate(timeout=PATIENCE)
    if ended:
        return "ended before"
    return "running" if (project.reports / "run.json").exists() else "before its first record"


def one_terminal(project: Project, moment: float) -> Iterator[str]:
    """Close the terminal of a run; what does not hold."""
    master, slave = pty.openpty()
    take = "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    process = project.start("run", before=take, start_new_session=True, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.set_blocking(master, False)
    deadline = time.monotonic() + moment
    begun = project.folder / "pids"
    while time.monotonic() < deadline or not any(begun.iterdir()):
        with contextlib.suppress(OSError):
            os.read(master, 1 << 16)
        time.sleep(0.01)
        if process.poll() is not None:
            break
    os.close(master)
    code = process.wait(PATIENCE)
    run = load_run(project.reports / "run.json")
    # The last: the terminal was closed while it showed the verdict.
    if (code, run.complete, run.exit_code) not in ((130, True, 130), (0, True, 0), (130, True, 0)):
        yield f"exit code {code}; run.json: complete {run.complete}, exit code {run.exit_code}"
    for name in ("summary.md", "junit.xml", "tests.jsonl"):
        if not (project.reports / name).exists():
            yield f"{name} is missing"


class Seen:
    """What each run left behind: those that were published to the end, and those whose gates had all ended."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.finished: set[str] = set()
        self.ended: set[str] = set()
        self.missed = 0

    def look(self) -> None:
        path = self.project.reports / "run.json"
        with contextlib.suppress(GatesError):
            run = load_run(path) if path.exists() else None
            if run is not None and run.complete:
                self.finished.add(run.id)
            if run is not None and len(run.gates) == len(run.planned):
                self.ended.add(run.id)

    def faults(self) -> Iterator[str]:
        """What the history does not count, or counts although it never ended, or more than once."""
        store = Store.of(self.project.folder, Git.of(self.project.folder))
        with closing(sqlite3.connect(cache_of(self.project) / store.folder.name / FILE)) as base:
            counted = [name for (name,) in base.execute("SELECT id FROM runs")]
            whole = "size = (SELECT count(*) FROM results WHERE run = number)"
            parts = [name for (name,) in base.execute(f"SELECT id FROM runs WHERE NOT {whole}")]
            yield from (f"the history: {row}" for row in base.execute("PRAGMA integrity_check") if row != ("ok",))
        self.missed = sum(counted.count(name) != 1 for name in self.finished)
        yield from (f"the history does not have {name}" for name in sorted(self.finished - set(counted)))
        yield from (f"the history has {name}, which never ended" for name in sorted(set(counted) - self.ended))
        yield from (
            f"the history has {name} more than once" for name in sorted(set(counted)) if counted.count(name) > 1
        )
        yield from (f"the history has only a part of {name}" for name in parts)


def cache_of(project: Project) -> Path:
    return Path(project.environment["GATES_CACHE_DIR"])


def rounds(project: Project, chosen: argparse.Namespace, seen: Seen) -> tuple[list[str], dict[str, int]]:
    """Kill runs and close terminals, with whole runs in between; what does not hold, and how often a run was in which state."""
    chance, before = random.Random(chosen.seed), digests(project)
    found: list[str] = []
    states: dict[str, int] = {}
    whole = 0.0
    for _ in range(2):  # the first takes longer
        began = time.monotonic()
        assert project.gates("run").code == 0
        whole = time.monotonic() - began
        seen.look()
    for number in range(chosen.runs + chosen.terminals):
        for path in (project.folder / "pids").iterdir():
            path.unlink()
        if number % 2 and project.gates("run").code:  # so that the history has something to count in between
            found.append(f"the run after {number} kills failed")
        seen.look()
        moment = chance.uniform(0, 1.5 * whole)
        if number < chosen.runs:
            state, what = one_kill(project, moment), "kill"
            states[state] = states.get(state, 0) + 1
            told = list(faults(project, before))
        else:
            what = "terminal"
            told = [*one_terminal(project, moment), *faults(project, before)]
        seen.look()
        found += [f"{what} {number} after {moment:.2f} s: {fault}" for fault in told]
    last = project.gates("run")
    seen.look()
    found += [f"the next run ended with {last.code}: {last.text[-400:]}"] if last.code else []
    return found + [f"the last run: {fault}" for fault in faults(project, before)], states


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="how many are killed")
    parser.add_argument("--terminals", type=int, default=10, help="how many are closed")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder, "project"), Path(folder, "cache"))
        (project.folder / "pids").mkdir()
        seen = Seen(project)
        found, states = rounds(project, chosen, seen)
        found += seen.faults()
        found += [f"left in TMPDIR: {path.name}" for path in Path(project.environment["TMPDIR"]).glob("gates-*")]
    told = {"killed": chosen.runs, "states": states, "terminals": chosen.terminals, "finished": len(seen.finished)}
    print("\n".join(found))
    print(json.dumps(told | {"counted_once": len(seen.finished) - seen.missed, "faults": len(found)}))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
