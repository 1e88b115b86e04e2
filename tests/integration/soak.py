"""Files of the user in and around the folder of reports, commands at random, gates that tidy up: none of them is lost.

`python -m tests.integration.soak [--runs N] [--seed N]` makes projects with files and links of the user, runs commands in
them, some of them killed, and looks after each whether every file of the user is as it was, and whether the reports of
a run that passed are whole.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from gates.portable.errors import UsageError
from gates.storage.evidence import load_evidence
from tests.integration.project import Project, checklist, python_gate

NAMES = (
    *("README.md", "notes.txt", "summary.html", "coverage/index.html", "data.csv", ".lock", ".gitkeep"),
    *("logs/server.log", "logs/archive/old.log", "logs/notes.txt", "confirm/2024-01/data.csv", "confirm/base-1/mine"),
    *("timing/mine.json", "stack/mine.md", "stack/x/run.json", "exclusions/list.txt"),
    *("run.json", "tests.jsonl", "summary.md", "junit.xml", "comparison.json", "stack.json", "logs/one.log"),
)
"""Files of the user below `reports`; the last ones are in the way of ours."""

LINKS = ("reports", "reports/logs", "reports/confirm", "reports/.lock", "reports/summary.md", "reports/logs/one.log")
"""Links of the user, to what lies outside."""

TROUBLE = (
    "pass",
    "[os.remove(path) for path in ('reports/run.json', 'reports/tests.jsonl') if ours(path)]",
    "ours('reports/logs/one.log') and open('reports/logs/one.log', 'w').write('edited')",
    "ours('reports/tests.jsonl') and open('reports/tests.jsonl', 'a').write('{}')",
    "ours('reports/tests.jsonl') and not os.path.lexists('reports/junit.xml') and open('reports/junit.xml', 'w').write('x')",
    "os.path.islink('reports') or (os.path.isdir('reports') and (os.rename('reports', 'r'), os.rename('r', 'reports')))",
    "shutil.rmtree('reports', ignore_errors=True)",
)
"""What a gate does to files that the user does not have; the last one is for projects without any there."""

HEAD = """import os, shutil
ours = lambda path: os.path.isfile(path) and not os.path.islink(path) and not open(path).read().startswith('theirs')
"""

COMMANDS = (
    *(("run",), ("run",), ("run", "--reports", "out"), ("run", "--reports", "."), ("rerun",), ("report",), ("clean",)),
    *(("compare", "HEAD", "--all"), ("compare", "HEAD", "evil", "--all"), ("run", "--subject", "evil"), ("list",)),
    ("stack", "evil"),
)


class Soaked(Project):
    """A project in which runs are killed: what they leave half-written lies there until the next one begins."""

    def leftovers(self) -> list[Path]:
        return []


class Kept(NamedTuple):
    """What a path of the user is."""

    link: str
    content: bytes


def lay_out(project: Project, outside: Path, dice: random.Random) -> list[Path]:
    """Make a project with files and links of the user in places that gates may want; the paths."""
    outside.mkdir()
    mine = [outside / name for name in ("one.log", "run.json", "base-1", "a.bin")]
    for path in mine:
        path.write_text(f"theirs: {path.name}")
    trouble = dice.choice(TROUBLE)
    empty = trouble.startswith("shutil")
    names = [] if empty else dice.sample(NAMES, dice.choice((0, 1, 3, 6)))
    gates = [python_gate("one", "-c", "print(1)"), python_gate("two", "-c", HEAD + trouble)]
    config = 'worktree-copy = ["data/**"]\nworktree-link = ["models/**"]'
    project.write(checklist(*gates, config=config) | {".gitignore": "/reports\n/out\n/data\n/models\n/r\n"})
    project.commit()
    project.git("checkout", "--quiet", "-b", "evil")
    for name in ("data", "models", "reports"):
        (project.folder / name).symlink_to(outside)
    project.git("add", "--force", "data", "models", "reports")
    project.commit("Links")
    project.git("checkout", "--quiet", "main")
    files = [project.folder / "data/a.bin", project.folder / "models/m.bin"]
    link = project.folder / dice.choice(LINKS) if dice.random() < 0.3 and not empty else None
    if link is not None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(outside / "run.json" if link.suffix else outside)
        mine.append(link)
    for path in (*files, *(project.reports / name for name in names)):
        if any(other.is_symlink() or other.is_file() for other in (path, *path.parents) if other != project.folder):
            continue
        if path.is_dir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"theirs: {path.name}")
        mine.append(path)
    if dice.random() < 0.2:
        (project.folder / "logs").mkdir()
        (project.folder / "logs/one.log").write_text("theirs")
        mine.append(project.folder / "logs/one.log")
    return mine


def seen(paths: list[Path]) -> dict[Path, Kept | None]:
    """What the paths are now; None for what is gone."""
    found: dict[Path, Kept | None] = {}
    for path in paths:
        if path.is_symlink():
            found[path] = Kept(str(path.readlink()), b"")
        else:
            found[path] = Kept("", path.read_bytes()) if path.is_file() else None
    return found


def faults_of(project: Project, outside: Path, mine: list[Path], dice: random.Random, codes: Counter[int]) -> list[str]:
    """Run one command, and kill it now and then; what it did that it must not."""
    words = dice.choice(COMMANDS)
    before, around = seen(mine), sorted(path.name for path in outside.iterdir())
    if dice.random() < 0.15:
        with project.start(*words) as process:
            try:
                process.wait(timeout=dice.random())
            except Exception:  # noqa: BLE001 (whatever: it is killed)
                process.kill()
            process.communicate()
        code = -9
    else:
        code = project.gates(*words).code
    codes[code] += 1
    said = f"{' '.join(words)} ({code})"
    after = seen(mine)
    faults = [f"{said}: {path} was {before[path]} and is {after[path]}" for path in mine if before[path] != after[path]]
    if around != sorted(path.name for path in outside.iterdir()):
        faults.append(f"{said}: something came or went outside")
    if code == 0 and words[0] in ("run", "compare") and not project.reports.is_symlink():
        folder = project.folder / "out" if "out" in words else project.reports
        try:
            run = load_evidence(folder / "run.json").run
            assert run.exit_code == 0 or words[0] == "compare", run
            assert "summary.md" in run.files
            assert Project.leftovers(project) == []
        except (UsageError, AssertionError) as error:
            faults.append(f"{said}: its reports are not whole: {error}")
    return faults


def main(arguments: list[str] | None = None) -> int:
    """Run random projects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40, metavar="N", help="so many projects, with six commands each")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    dice = random.Random(asked.seed)
    faults: list[str] = []
    codes: Counter[int] = Counter()
    files = commands = 0
    for number in range(1, asked.runs + 1):
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            project, outside = Soaked(Path(folder, "project"), Path(folder, "cache")), Path(folder, "outside")
            mine = lay_out(project, outside, dice)
            found = []
            for _ in range(6):
                found += faults_of(project, outside, mine, dice, codes)
            files, commands = files + len(mine), commands + 6
        print(f"{number}/{asked.runs}: {len(mine)} files and links: {'; '.join(found) or 'all there'}", flush=True)
        faults += found
    print("exit codes:", ", ".join(f"{code}: {number}" for code, number in sorted(codes.items())))
    print(f"{asked.runs} projects, {commands} commands, {files} files and links of the user, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
