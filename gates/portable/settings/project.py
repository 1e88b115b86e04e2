"""Settings of a project that are also options of `gates compare` or `gates stack`."""

from __future__ import annotations

from typing import Literal

from .declare import option
from .kinds import DURATION, TEXT, Kind, one_of
from .paths import globs
from .run import Settings

GLOBS = Kind(globs, {"type": "array", "items": {"type": "string"}}, metavar="GLOB")
_TOP = ("top",)


class ProjectSettings(Settings):
    """Settings at the top level of a config that are also options of `gates compare` or `gates stack`, but have no variable.

    Attributes:
        scope: path globs of files that a branch may change, for `gates compare`; empty: any file.
        base_failures: what a comparison does with tests that fail on both sides for the same cause: `report` lists
            them separately, `block` fails the comparison.
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
