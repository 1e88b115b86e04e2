"""What a summary says of a comparison with the base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from gates.render.tests import LINE_ORDER, count_of
from gates.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.results import FileChange, TestCounts

LISTS = (
    ("newly_failing", "newly failing"),
    ("removed", "removed"),
    ("newly_skipped", "newly skipped"),
    ("newly_excluded", "newly excluded"),
    ("still_failing", "failing on both sides"),
    ("fixed", "fixed"),
    ("new", "new"),
)
"""Field of the tests' comparison → its words; what weakens the suite comes first and is never cut."""

WEAKENING = ("removed", "newly_skipped", "newly_excluded")


class ComparedTests(Protocol):
    """Ids of tests by what became of them."""

    @property
    def new(self) -> tuple[str, ...]: ...  # noqa: D102  # the names say it
    @property
    def removed(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def newly_failing(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def fixed(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def still_failing(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def newly_skipped(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def newly_excluded(self) -> tuple[str, ...]: ...  # noqa: D102


class Compared(Protocol):
    """The part of a comparison that is rendered; `compare` makes it, and render may not import that."""

    @property
    def base(self) -> str: ...  # noqa: D102
    @property
    def head(self) -> str: ...  # noqa: D102
    @property
    def tests(self) -> ComparedTests: ...  # noqa: D102
    @property
    def base_counts(self) -> TestCounts: ...  # noqa: D102
    @property
    def head_counts(self) -> TestCounts: ...  # noqa: D102
    @property
    def gate_times(self) -> Sequence[tuple[str, float | None, float | None, str]]: ...  # noqa: D102
    @property
    def files(self) -> Sequence[FileChange]: ...  # noqa: D102
    @property
    def regression(self) -> bool: ...  # noqa: D102
    @property
    def base_age(self) -> str: ...  # noqa: D102
    @property
    def notes(self) -> Sequence[str]: ...  # noqa: D102


class ComparisonView(msgspec.Struct, frozen=True):
    """A comparison, laid out: `rows` are `(aspect, base, head)`, `lists` are `(words, ids)`."""

    base: str
    head: str
    regression: bool
    rows: tuple[tuple[str, str, str], ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    newly_failing: tuple[str, ...]
    weakened: tuple[str, ...]
    notes: tuple[str, ...]


def comparison_view(comparison: Compared) -> ComparisonView:
    """Lay a comparison out."""
    tests = comparison.tests
    lists = tuple((words, ids) for field, words in LISTS if (ids := tuple(getattr(tests, field))))
    return ComparisonView(
        base=comparison.base,
        head=comparison.head,
        regression=comparison.regression,
        rows=(*_count_rows(comparison), *_change_rows(tests), *_time_rows(comparison)),
        lists=lists,
        newly_failing=tuple(tests.newly_failing),
        weakened=tuple(
            f"{len(getattr(tests, field))} {words}"
            for field, words in LISTS
            if field in WEAKENING and getattr(tests, field)
        ),
        notes=tuple(comparison.notes),
    )


def _count_rows(comparison: Compared) -> list[tuple[str, str, str]]:
    base, head = comparison.base_counts, comparison.head_counts
    rows = [("Tests passing", f"{base.passed}/{base.run}", f"{head.passed}/{head.run}")]
    rows += [
        (f"Tests {outcome.value.replace('-', ' ')}", str(count_of(base, outcome)), str(count_of(head, outcome)))
        for outcome in LINE_ORDER[1:]
        if count_of(base, outcome) or count_of(head, outcome)
    ]
    return rows


def _change_rows(tests: ComparedTests) -> list[tuple[str, str, str]]:
    rows = [
        ("Tests added", "-", f"+{len(tests.new)}"),
        ("Tests removed", "-", f"-{len(tests.removed)}" if tests.removed else "0"),
    ]
    rows += [
        (f"Tests {words}", "-", str(len(getattr(tests, field))))
        for field, words in LISTS
        if field not in {"new", "removed"} and (getattr(tests, field) or field == "newly_failing")
    ]
    return rows


def _time_rows(comparison: Compared) -> list[tuple[str, str, str]]:
    age = f" ({comparison.base_age})" if comparison.base_age else ""
    rows = []
    for gate, base, head, note in comparison.gate_times:
        left = "not measured" if base is None else f"{format_duration(base)}{age}"
        right = "not measured" if head is None else format_duration(head)
        rows.append((f"Time of {gate}", left, f"{right} ({note})" if note else right))
    return rows
