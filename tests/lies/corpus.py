"""Read the corpus: one folder a lie, with a `case.toml` that holds the truth and a small project.

`truth` is one sentence. `honest` says what an honest tool answers:

- `red`: any exit code but 0; green is a lie.
- `green`: 0. A twin that looks like a lie and is none: who calls everything red is of no use.
- `said`: green is fine, but the output (or the summary) must match `says`, or the reader believes what is not so.
- `unsaid`: what `says` matches may not be in the output (or the summary).
- `unwritten`: nor may it be in any report.
- `kept`: `keeps` names files that must be there afterwards as they were.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

CASES = Path(__file__).with_name("cases")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to look green.

    Attributes:
        name: of its folder.
        truth: what is so.
        honest: what an honest tool answers.
        says: what must be said, as a regular expression, where `honest` is `said`; what may not, where it is
            `unsaid` or `unwritten`.
        keeps: files that must survive, where `honest` is `kept`.
        kind: the kind of lie, for the table.
        arguments: further words for pytest.
        env: further variables.
        commands: what is checked, as lines of a shell, where it is not pytest alone. `{python}` is the interpreter,
            `{pytest}` starts pytest.
        tests: what gates expects of the commands' tests, as in its config.
        workers: pytest is always run with two workers.
        setup: lines of a shell, run before anyone looks.
        gates: arguments of gates; several calls where there are several, of which the last one counts. `["sh", "-c", …]` is
            a call of the shell, in which `{gates}` starts gates.
        config: what is in `gates.toml` besides its gates; all of it where it has a gate.
        only: the tools that can be asked; empty for all.
        ours: what gates is known to answer, where that is not right.
        why: why that is so.
        files: texts by name.
    """

    name: str = ""
    truth: str
    honest: Literal["red", "green", "said", "unsaid", "unwritten", "kept"] = "red"
    says: str = ""
    keeps: tuple[str, ...] = ()
    kind: str
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = {}
    commands: tuple[str, ...] = ()
    tests: str = ""
    workers: bool = False
    setup: str = ""
    gates: tuple[tuple[str, ...], ...] = (("run",),)
    config: str = ""
    only: tuple[str, ...] = ()
    ours: Literal["right", "fooled", "false alarm"] = "right"
    why: str = ""
    files: dict[str, str] = {}


def load(folder: Path = CASES) -> tuple[Case, ...]:
    """All cases, by name.

    Raises:
        ValueError: a folder holds no case, or one that says too little.
    """
    return tuple(_case(path) for path in sorted(folder.iterdir()) if path.is_dir())


def _case(folder: Path) -> Case:
    path = folder / "case.toml"
    try:
        case = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")) | {"name": folder.name}, Case)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    if (case.honest in ("said", "unsaid", "unwritten")) != bool(case.says) or (case.honest == "kept") != bool(
        case.keeps
    ):
        raise ValueError(f"{path}: honest = {case.honest!r} needs {'keeps' if case.honest == 'kept' else 'says'}")
    if (case.ours == "right") == bool(case.why):
        raise ValueError(f"{path}: why = … belongs to ours = … alone")
    return case
