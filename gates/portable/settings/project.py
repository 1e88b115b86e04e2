"""Settings of a project that are also options of `gates compare` or `gates stack`."""

from __future__ import annotations

from typing import Any, Literal

from .declare import option
from .kinds import DURATION, TEXT, Kind, one_of, texts
from .paths import globs
from .run import Settings

GLOBS = Kind(globs, {"type": "array", "items": {"type": "string"}}, metavar="GLOB")
_TOP = ("top",)


def reasons(value: Any) -> tuple[str, ...]:
    """Names with why they are accepted: `ID=REASON`.

    Raises:
        ValueError: it is something else, or a reason is missing.
    """
    entries = texts(value)
    for entry in entries:
        name, equals, reason = entry.partition("=")
        if not (name.strip() and equals and reason.strip()):
            raise ValueError("a list of 'ID=REASON'")
    return entries


REASONS = Kind(reasons, {"type": "array", "items": {"type": "string", "pattern": "^[^=]+=."}}, metavar="ID=REASON")


class ProjectSettings(Settings):
    """Settings at the top level of a config that are also options of `gates compare` or `gates stack`, but have no variable.

    Attributes:
        scope: path globs of files that a branch may change, for `gates compare`; empty: any file.
        base_failures: what a comparison does with tests that fail on both sides for the same cause: `report` lists
            them separately, `block` fails the comparison.
        accept_weakened: [what checks less](../explanation/weakenings.md) than on the base and is accepted, with the reason:
            `ID=REASON`. The summary shows it.
        timing_budget: how long `gates compare` may [re-time tests](../explanation/timing.md) that seem slower or
            faster; none: no timing.
        merge_command: what `gates stack` suggests for a layer that is ready; names in braces: `branch`, `parent`,
            `trunk`, `number`, `total`, `title`, `subject`, each quoted for a shell.
    """

    scope: tuple[str, ...] = option(
        GLOBS,
        "Files the branch may change, e.g. 'src/cache/**'; repeatable.",
        default=(),
        many=True,
        stands=False,
        tables=_TOP,
    )
    accept_weakened: tuple[str, ...] = option(
        REASONS,
        "Accept this finding that something checks less than on BASE, and say why; repeatable.",
        default=(),
        many=True,
        stands=False,
        tables=_TOP,
    )
    base_failures: Literal["report", "block"] = option(
        one_of("report", "block"),
        "What to do with tests that already fail on BASE for the same cause.",
        default="report",
        stands=False,
        tables=_TOP,
    )
    timing_budget: float | None = option(
        DURATION,
        "Time to spend re-timing, in turns on both sides, what seems slower or faster.",
        default=None,
        stands=False,
        tables=_TOP,
        unset="no timing",
    )
    merge_command: str = option(
        TEXT,
        "May use {branch}, {parent}, {trunk}, {number}, {total}, {title}, {subject}.",
        default="",
        stands=False,
        tables=_TOP,
        metavar="TEMPLATE",
        unset="`gh pr merge --squash --delete-branch --subject {subject} -- {branch}`",
    )
