"""Compare what a gate runs on both sides, command by command. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from gates.analysis.strictness.command import Command
from gates.analysis.strictness.environment import Environment
from gates.analysis.strictness.options import TARGETS, table_of, unknown_option
from gates.analysis.strictness.rules import Items, Rule, Said, Subject, Switch

PURPOSES = (
    frozenset({"ruff check", "flake8", "pylint", "pyflakes", "pycodestyle", "pydocstyle", "bandit", "pre-commit run", "prek run"}),
    frozenset({"mypy", "dmypy", "pyright", "basedpyright", "ty", "pyre", "pytype", "pyrefly", "zuban"}),
    frozenset({"pytest", "py.test", "unittest", "nose2", "stestr", "tox", "trial", "green", "ward"}),
    frozenset({"ruff format", "black", "isort", "yapf", "autopep8", "docformatter"}),
    frozenset({"sphinx-build", "mkdocs", "mkdocs build", "pdoc", "zensical"}),
)  # fmt: skip
"""Programs that can replace each other."""

GENERIC = frozenset({"make", "just", "task", "tox", "nox", "npm", "yarn", "pnpm", "pre-commit", "prek", "hatch", "poe", "invoke", "inv"})  # fmt: skip
"""They run something that is not in sight."""


InFiles = Mapping[str, tuple[Mapping[str, object], Mapping[str, object]]]
"""Program → the values that files of base and head set for it, whichever command it is started with."""

NO_FILES: tuple[Mapping[str, object], Mapping[str, object]] = ({}, {})


class SaidOf(NamedTuple):
    """What changed in a command.

    Attributes:
        key: the command, and the option.
        said: what the change means.
        line: of the command on the head; 0 if it is gone.
        hint: it may mean nothing.
    """

    key: str
    said: Said
    line: int
    hint: bool = False


def command_changes(
    old: Sequence[Command],
    new: Sequence[Command],
    about: Subject,
    moved: Collection[tuple[object, ...]] = (),
    came: Collection[tuple[object, ...]] = (),
    files: InFiles | None = None,
) -> Iterator[SaidOf]:
    """What changed from some commands to others.

    Args:
        old: commands of the base.
        new: commands of the head.
        about: the gate.
        moved: commands that another gate of the head runs, and did not on the base.
        came: commands that another gate of the base ran, and does not on the head.
        files: what files set for the programs.
    """
    before, after = _without_same(old, new)
    yield from _conditions(old, new, about)
    for whole, parts, split in (*_splits(before, after, split=True), *_splits(after, before, split=False)):
        before = [each for each in before if each is not whole and each not in parts]
        after = [each for each in after if each is not whole and each not in parts]
        old_text, new_text = (whole.text, _texts(parts)) if split else (_texts(parts), whole.text)
        what = f"{about.tool} runs {new_text} instead of {old_text}"
        yield SaidOf(whole.program, Said("other", old_text, new_text, what), (parts[0] if split else whole).line)
    pairs, before, after = _paired(before, after)
    for one, other in pairs:
        yield from _options(one, other, about, (files or {}).get(one.program, NO_FILES))
    replaced = _replaced(before, after)
    for one, other in replaced:
        before, after = [each for each in before if each is not one], [each for each in after if each is not other]
        what = f"{about.tool} runs {other.program} instead of {one.program}"
        yield SaidOf(one.program, Said("other", one.text, other.text, what), other.line)
    for one in before:
        if one.same not in moved and not _runs_again(one, new):
            yield SaidOf(one.program, Said("weaker", one.text, "", f"{about.tool} no longer runs {one.text}"), 0)
    for other in after:
        if other.same not in came and not _runs_again(other, old):
            yield SaidOf(
                other.program, Said("stronger", "", other.text, f"{about.tool} now runs {other.text}"), other.line
            )


def _conditions(old: Sequence[Command], new: Sequence[Command], about: Subject) -> Iterator[SaidOf]:
    """Commands that are the same, but run only on a condition; whether it is ever true is not known."""
    before, after = ({one.same: one for one in reversed(side)} for side in (old, new))
    for same, other in after.items():
        one = before.get(same)
        if one is None or bool(one.condition) == bool(other.condition):
            continue
        if other.condition:
            what = f"{about.tool} runs {other.program} only if {other.condition}"
            yield SaidOf(f"{other.program} condition", Said("weaker", "", other.condition, what), other.line, hint=True)
        else:
            what = f"{about.tool} now runs {other.program} always"
            yield SaidOf(f"{other.program} condition", Said("stronger", one.condition, "", what), other.line)


def is_part(one: Command, whole: Command) -> bool:
    """Whether the first is the second, but run on a part of what that is run on."""
    if one.program != whole.program or (one.codes, one.ignored) != (whole.codes, whole.ignored):
        return False
    options = [{key: value for key, value in each.options.items() if key != TARGETS} for each in (one, whole)]
    narrow, wide = (each.options.get(TARGETS, ()) for each in (one, whole))
    inside = all(any(target == other or _inside(other, target) for other in wide) for target in narrow)
    return options[0] == options[1] and narrow != wide and bool(narrow) and (not wide or inside)


def _splits(
    wholes: Sequence[Command], others: Sequence[Command], *, split: bool
) -> Iterator[tuple[Command, list[Command], bool]]:
    """Commands that several others run in parts; of the other way round, those that several became."""
    for whole in wholes:
        parts = [one for one in others if is_part(one, whole)]
        if len(parts) > 1:
            yield whole, parts, split


def _texts(commands: Sequence[Command]) -> str:
    return ", ".join(command.text for command in commands)


def _runs_again(one: Command, others: Sequence[Command]) -> bool:
    """Whether the same command is run once more, as by a helper that is called on two ways."""
    return any(one.same == other.same for other in others)


def _without_same(old: Sequence[Command], new: Sequence[Command]) -> tuple[list[Command], list[Command]]:
    before, after = list(old), []
    for other in new:
        match = next((one for one in before if one.same == other.same), None)
        if match is None:
            after.append(other)
        else:
            before.remove(match)
    return before, after


Pairs = list[tuple[Command, Command]]


def _paired(before: list[Command], after: list[Command]) -> tuple[Pairs, list[Command], list[Command]]:
    """Commands of the same program, those that have most in common first."""
    candidates = sorted(
        (
            (-_alike(one, other), number, position)
            for number, one in enumerate(before)
            for position, other in enumerate(after)
            if one.program == other.program
        ),
    )
    left, right = dict(enumerate(before)), dict(enumerate(after))
    pairs: Pairs = []
    for _, number, position in candidates:
        if number in left and position in right:
            pairs.append((left.pop(number), right.pop(position)))
    return pairs, list(left.values()), list(right.values())


def _alike(one: Command, other: Command) -> int:
    return len(set(one.words) & set(other.words)) * 2 - abs(len(one.words) - len(other.words))


def _replaced(before: Sequence[Command], after: Sequence[Command]) -> Pairs:
    """Commands that another program with the same purpose, or an unknown one, replaced."""
    pairs: Pairs = []
    free = list(after)
    for one in before:
        match = next((other for other in free if _may_replace(one.program, other.program)), None)
        if match is not None:
            free.remove(match)
            pairs.append((one, match))
    return pairs


def purpose(program: str) -> int:
    """The number of its group in `PURPOSES`; -1 if it is in none."""
    return next((number for number, names in enumerate(PURPOSES) if program in names), -1)


def _may_replace(one: str, other: str) -> bool:
    """Whether a program may have the purpose of another: of two that are unknown, such as scripts, it may."""
    first, second = one.split(" ", maxsplit=1)[0], other.split(" ", maxsplit=1)[0]
    return first in GENERIC or second in GENERIC or purpose(one) == purpose(other)


def _inside(one: str, other: str) -> bool:
    front = one.rstrip("/").removesuffix("/.")
    return front in (".", "") or other.startswith(f"{front}/")


_CODES = Items(does="fails for the exit code {}", strict=False)
_FAILS = Switch(default=True, does="makes the gate fail")
_TARGETS = Items(does="looks at {}", strict=True, everything=True, related=_inside)


def with_files(own: object, common: object) -> object:
    """The value that counts for a command: its own adds to a list that a file has, and replaces anything else."""
    if isinstance(own, tuple) and isinstance(common, tuple):
        return (*common, *own)
    return common if own is None else own


def _options(
    one: Command, other: Command, about: Subject, files: tuple[Mapping[str, object], Mapping[str, object]]
) -> Iterator[SaidOf]:
    """What changed in a command of both sides; an option may have moved to a file, or out of it."""
    known = {option.name: option for option in table_of(one.program).values()}
    name = one.program
    checks: list[tuple[str, Rule, object, object]] = [
        ("success codes", _CODES, one.codes, other.codes),
        ("exit code", _FAILS, not one.ignored, not other.ignored),
        ("variables", Environment(), one.variables, other.variables),
    ]
    for key in dict.fromkeys((*other.options, *one.options)):
        rule = _TARGETS if key == TARGETS else known[key].rule if key in known else unknown_option(key).rule
        own = (one.options.get(key), other.options.get(key))
        if own[0] != own[1]:
            old, new = (with_files(value, common.get(key)) for value, common in zip(own, files, strict=True))
            checks.append((key, rule, rule.default if old is None else old, rule.default if new is None else new))
    for key, rule, old, new in checks:
        if old != new:
            for said in rule.judge(Subject(f"{name} in {about.tool}", key), old, new):
                yield SaidOf(f"{name} {key}", said, other.line)
