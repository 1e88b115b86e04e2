"""How often gates speaks of honest changes: `python -m tests.weakenings.histories [FOLDER]...`

Without a folder: every commit of this repository that touches tests, against its parent. A folder holds releases of other
projects as their source archives, `FOLDER/PROJECT/VERSION/*.tar.gz`; each release is compared with the one before it.
No test runs, so what is measured is what texts show: settings, comments, and what tests say.

A release is many commits' worth of changes. So beside the share of steps, the share of changed test files that have a
finding is shown: a commit of this repository changes a few of them, and so a share per file can be compared between the two.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from tests.integration.project import ROOT
from tests.weakenings.score import found_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gates.results import Weakening

READ = (".py", ".toml", ".cfg", ".ini", ".coveragerc", ".flake8", ".json", ".txt", ".yaml", ".yml", ".in")
"""Ends of names of files that are read."""

LARGE = 1_000_000
"""Bytes from which on a file is data."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Two consecutive states of a project.

    Attributes:
        project: its name.
        name: commit or release.
        base: texts by path.
        head: texts by path.
    """

    project: str
    name: str
    base: Mapping[str, str]
    head: Mapping[str, str]

    @property
    def changed_tests(self) -> list[str]:
        """Test files that both have, or one has, and that differ."""
        paths = {path for path in (*self.base, *self.head) if is_test(path)}
        return sorted(path for path in paths if self.base.get(path) != self.head.get(path))


def is_test(path: str) -> bool:
    """Whether a file holds tests or helps them."""
    parts = PurePosixPath(path).parts
    return path.endswith(".py") and ("tests" in parts or "test" in parts or parts[-1].startswith("test_"))


class Blobs:
    """Texts of one repository's files, read through one process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, str] = {}
        self._process = subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def git(self, *words: str) -> str:
        """What git answers."""
        return subprocess.run(["git", *words], cwd=self._root, capture_output=True, text=True, check=True).stdout

    def texts(self, commit: str) -> dict[str, str]:
        """Texts of a commit by path."""
        found = {}
        for entry in self.git("ls-tree", "-r", "-z", commit).split("\0"):
            about, _, path = entry.partition("\t")
            if path.endswith(READ):
                found[path] = self._text(about.split(" ")[2])
        return found

    def _text(self, name: str) -> str:
        if name not in self._texts:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(f"{name}\n".encode())
            self._process.stdin.flush()
            size = int(self._process.stdout.readline().split()[2])
            self._texts[name] = self._process.stdout.read(size + 1)[:-1].decode("utf-8", "replace")
        return self._texts[name]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def commits(root: Path) -> Iterator[Step]:
    """Every commit that touches tests, with its parent."""
    blobs = Blobs(root)
    for line in blobs.git("log", "--no-merges", "--reverse", "--format=%h %p", "--", "tests").splitlines():
        name, _, parent = line.partition(" ")
        if parent:
            yield Step(project=root.name, name=name, base=blobs.texts(parent), head=blobs.texts(name))
    blobs.close()


def releases(folder: Path) -> Iterator[Step]:
    """Consecutive releases of each project in a folder."""
    for project in sorted(path for path in folder.iterdir() if path.is_dir()):
        before: dict[str, str] = {}
        for archive in sorted(project.glob("*/*.tar.gz"), key=lambda path: _order(path.parent.name)):
            texts = _unpacked(archive)
            step = Step(project=project.name, name=archive.parent.name, base=before, head=texts)
            if before and step.changed_tests:
                yield step
            before = texts


def _order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _unpacked(archive: Path) -> dict[str, str]:
    found = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            _, _, path = member.name.partition("/")
            file = opened.extractfile(member) if path.endswith(READ) and member.size < LARGE else None
            if file is not None:
                found[path] = file.read().decode("utf-8", "replace")
    return found


def of_tests(one: Weakening) -> bool:
    """Whether a finding is about tests or code, and not about settings."""
    return not one.rule.endswith("-setting")


class Tally:
    """Counts of one project, or of all."""

    def __init__(self) -> None:
        self.steps, self.fired, self.settings, self.files, self.named = 0, 0, 0, 0, 0
        self.rules: Counter[tuple[str, str]] = Counter()

    def add(self, step: Step, found: Sequence[Weakening]) -> None:
        """Count one step."""
        certain = [one for one in found if one.strength == "certain"]
        tests = [one for one in certain if of_tests(one)]
        self.steps += 1
        self.fired += bool(tests)
        self.settings += len(tests) < len(certain)
        self.files += len(step.changed_tests)
        self.named += len({one.path for one in tests})
        self.rules.update((one.strength, one.rule) for one in found)

    def __str__(self) -> str:
        """The shares of steps and of files."""
        return (
            f"{self.fired} of {self.steps} steps have a certain finding about tests ({self.fired / max(1, self.steps):.1%}), "
            f"{self.named} of {self.files} changed test files ({self.named / max(1, self.files):.2%}); "
            f"{self.settings} steps have one about settings"
        )


def main() -> None:
    """Print each finding, then the shares."""
    parser = argparse.ArgumentParser(prog="python -m tests.weakenings.histories", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="releases of other projects")
    parser.add_argument("--quiet", action="store_true", help="only the shares")
    options = parser.parse_args()
    steps = (step for folder in options.folders for step in releases(folder)) if options.folders else commits(ROOT)
    everything, by_project = Tally(), dict[str, Tally]()
    for step in steps:
        found = found_in(step.base, step.head)
        for tally in (everything, by_project.setdefault(step.project, Tally())):
            tally.add(step, found)
        for one in found if not options.quiet else ():
            print(
                f"{step.project} {step.name} {one.strength} {one.rule} {one.path}:{one.line} {one.test.rpartition('::')[2]}"
            )
            print(f"    {one.what}\n    - {one.before}\n    + {one.after}", flush=True)
    for project, tally in (*by_project.items(), ("all", everything)):
        print(f"{project}: {tally}")
    for (strength, rule), times in everything.rules.most_common():
        print(f"    {times:4} {strength} {rule}")


if __name__ == "__main__":
    main()
