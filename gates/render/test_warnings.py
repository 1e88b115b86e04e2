"""What pytest warned of, in words: a test that checks nothing is found by a warning more often than by a failure."""

from __future__ import annotations

import msgspec

from gates.portable.values import plural
from gates.render.text import one_line
from gates.results import Run, TestWarning


class WarningSection(msgspec.Struct, frozen=True):
    """The warnings of all tests.

    Attributes:
        line: how many, and of which gates.
        groups: those that are alike, in words.
    """

    line: str
    groups: tuple[str, ...]


def warning_section(run: Run) -> WarningSection | None:
    """None where pytest warned of nothing."""
    warned = {gate.name: gate.test_warnings for gate in run.gates if gate.test_warnings and gate.test_warnings.count}
    if not warned:
        return None
    count = sum(each.count for each in warned.values())
    groups = dict.fromkeys(words_of(group) for each in warned.values() for group in each.groups)
    return WarningSection(f"{plural(count, 'pytest warning')} ({', '.join(map(one_line, warned))})", tuple(groups))


def words_of(group: TestWarning) -> str:
    """`test_it.py:2: PytestReturnNotNoneWarning: it returned … (3 times)`."""
    place = f"{group.file}:{group.line}" if group.file and group.line else group.file
    name = group.category.rpartition(".")[2]
    times = f" ({plural(group.count, 'time')})" if group.count > 1 else ""
    return one_line(": ".join(part for part in (place, name, group.message) if part), 200) + times
