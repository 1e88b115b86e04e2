"""Compare both sides of many cases in one real `gates compare`: all in one project, each with its own folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gates.results import Weakening
from tests import warm
from tests.integration.project import checklist, python_gate
from tests.weakenings.corpus import placed

if TYPE_CHECKING:
    from tests.integration.project import Project
    from tests.weakenings.corpus import Case

ALONE = "alone"
"""Folder of the cases that need a session of their own."""

FINDINGS = ("newly_failing", "lost")
"""Findings of outcomes that make a regression by themselves."""

FAILING = ("newly_failing", "newly_failing_other", "fixed", "still_failing")


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What `gates compare` says.

    Attributes:
        found: by name of the case; the empty name has what belongs to none.
        failing: ids of tests that fail on either side.
        notes: what the comparison says that it does not know.
    """

    found: Mapping[str, Sequence[Weakening]]
    failing: Sequence[str]
    notes: Sequence[str]


def compare(project: Project, cases: Sequence[Case]) -> Compared:
    """Commit all bases, then all heads, and compare the two commits."""
    together = [case for case in cases if not case.alone]
    apart = [case for case in cases if case.alone]
    for side in ("base", "head"):
        _clear(project)
        project.write({".gitignore": "__pycache__\nreports\n", "alone/here": ""} | _checklist(apart))
        for case in together:
            _write(project, placed(case, getattr(case, side)))
        for case in apart:
            _write(project, {f"{ALONE}/{case.mark}/{path}": text for path, text in getattr(case, side).items()})
        project.commit(side)
    project.patience = 600  # hundreds of cases, perhaps beside other work
    project.gates("compare", "HEAD~1", "HEAD")
    said = project.json("comparison.json")
    return Compared(
        found=_by_case(said, cases),
        failing=[test for kind in FAILING for test in said["tests"][kind]],
        notes=said["notes"],
    )


def _clear(project: Project) -> None:
    if (project.folder / ".git").exists():
        project.git("rm", "-r", "--quiet", ".")


def _write(project: Project, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _checklist(apart: Sequence[Case]) -> dict[str, str]:
    words = ("-m", "pytest", *warm.LEAN, "--import-mode=importlib")
    tables = [
        f'{python_gate(case.name, *words, "tests")}cwd = "{ALONE}/{case.mark}"\ntests = "pytest"\n' for case in apart
    ]
    return checklist(python_gate("test", *words, "tests") + 'tests = "pytest"\n', *tables)


def _by_case(said: Mapping[str, Any], cases: Sequence[Case]) -> Mapping[str, Sequence[Weakening]]:
    """Findings by the case whose gate, folder or module they name."""
    found: dict[str, list[Weakening]] = defaultdict(list)
    names = {case.mark: case.name for case in cases}
    for finding in msgspec.convert(said["weakenings"], list[Weakening]):
        found[_case_of(finding.test, names) or _case_of(finding.path, names)].append(finding)
    for kind in FINDINGS:
        for test in said["tests"][kind]:
            found[_case_of(test, names)].append(Weakening(rule=kind.replace("_", "-"), what=test, test=test))
    return found


def _case_of(place: str, names: Mapping[str, str]) -> str:
    gate, _, path = place.rpartition(": ")
    if gate in names.values():
        return gate
    parts = path.replace("::", "/").split("/")
    return next((names[part] for part in (*parts, parts[0][len("shop_") : -len(".py")]) if part in names), "")
