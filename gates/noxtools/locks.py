"""Keeps lock files up to date: makes them with uv, and checks offline whether they still fit `pyproject.toml`.

A lock file is a requirements file with hashes and without any index address. Its header has two digests:
one of the dependency tables that it was made from (does it fit?) and one of its own lines (was it edited by hand?).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_HEADER = re.compile(
    r"\A# Made by `nox -s lock`[^\n]*\n# tables: sha256:([0-9a-f]{64})\n# body: sha256:([0-9a-f]{64})\n"
)
_ADDRESS = re.compile(r"://|^\s*(?:-i|-f|--(?:extra-)?index-url|--find-links|--trusted-host)\b", re.MULTILINE)
_REQUIREMENT = re.compile(r"^[A-Za-z0-9](?:\\\n|[^\n])*", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """One lock file and what goes into it.

    Attributes:
        name: the file is `requirements/NAME.txt`.
        groups: dependency groups of `pyproject.toml`.
        project: whether it includes the run-time dependencies of the project.
        resolution: uv's `--resolution`: `highest` or `lowest-direct`.
    """

    name: str
    groups: tuple[str, ...] = ()
    project: bool = False
    resolution: str = "highest"

    def command(self, python: tuple[int, int]) -> tuple[str, ...]:
        """The uv command, run in the project's folder, that makes the lock."""
        words = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
        words += ["--python-version", ".".join(map(str, python)), "--resolution", self.resolution]
        words += ["pyproject.toml"] if self.project else []
        for group in self.groups:
            words += ["--group", group]
        return tuple(words)


def tables_digest(pyproject: Mapping[str, object]) -> str:
    """Digest of every table that decides the content of a lock, regardless of its order or spelling in TOML."""
    project = pyproject.get("project")
    build = pyproject.get("build-system")
    relevant = {
        "build-system.requires": build.get("requires") if isinstance(build, dict) else None,
        "dependency-groups": pyproject.get("dependency-groups"),
        "project.dependencies": project.get("dependencies") if isinstance(project, dict) else None,
        "project.optional-dependencies": project.get("optional-dependencies") if isinstance(project, dict) else None,
        "project.requires-python": project.get("requires-python") if isinstance(project, dict) else None,
    }
    return _sha256(json.dumps(relevant, sort_keys=True, ensure_ascii=True))


def with_header(body: str, tables: str) -> str:
    """The text of a lock file: header and requirements."""
    return f"# Made by `nox -s lock`; do not edit.\n# tables: sha256:{tables}\n# body: sha256:{_sha256(body)}\n{body}"


def problems(root: Path, locks: Iterable[Lock]) -> tuple[str, ...]:
    """Problems of the lock files under `root`, one sentence each; empty if all of them fit."""
    locks = tuple(locks)
    tables = tables_digest(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")))
    folder = root / "requirements"
    wrong = [f"requirements/{lock.name}.txt: {text}" for lock in locks for text in _faults(folder, lock, tables)]
    known = {f"{lock.name}.txt" for lock in locks}
    wrong += [
        f"requirements/{path.name}: no lock of that name is declared in the noxfile"
        for path in sorted(folder.glob("*.txt"))
        if path.name not in known
    ]
    return tuple(wrong)


def _faults(folder: Path, lock: Lock, tables: str) -> list[str]:
    path = folder / f"{lock.name}.txt"
    if not path.is_file():
        return ["does not exist (run `nox -s lock`)"]
    text = path.read_text(encoding="utf-8")
    header = _HEADER.match(text)
    if header is None:
        return ["has no header of `nox -s lock` (run `nox -s lock`)"]
    body = text[header.end() :]
    faults = []
    if header[1] != tables:
        faults.append("is stale: the dependency tables of pyproject.toml changed since (run `nox -s lock`)")
    if header[2] != _sha256(body):
        faults.append("was edited by hand (run `nox -s lock`)")
    if _ADDRESS.search(body):
        faults.append("names an index or another address; a lock may contain only names, versions and hashes")
    bare = [match[0].split()[0] for match in _REQUIREMENT.finditer(body) if "--hash=sha256:" not in match[0]]
    faults += [f"{name} has no hash" for name in bare]
    return faults


def remake(
    root: Path,
    locks: Iterable[Lock],
    python: tuple[int, int],
    run: Callable[[tuple[str, ...]], object],
    *,
    upgrade: bool = False,
) -> None:
    """Write every lock file again; locked versions stay if they still fit.

    Args:
        root: the project's folder.
        locks: what to write.
        python: the lowest supported Python; the lock serves it and every newer one.
        run: runs a command in `root`, raises when it fails.
        upgrade: take the newest versions instead of those that are locked.
    """
    tables = tables_digest(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")))
    folder = root / "requirements"
    folder.mkdir(exist_ok=True)
    # All are resolved before one is written: a resolver that fails halfway must not leave a mixture.
    with tempfile.TemporaryDirectory() as temporary:
        bodies: dict[Path, str] = {}
        for lock in locks:
            target, draft = folder / f"{lock.name}.txt", Path(temporary, f"{lock.name}.txt")
            if target.is_file() and not upgrade:
                shutil.copyfile(target, draft)
            run((*lock.command(python), "--output-file", str(draft)))
            bodies[target] = draft.read_text(encoding="utf-8")
    for target, body in bodies.items():
        target.write_text(with_header(body, tables), encoding="utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
