"""All faults of a module's lines, the most promising of each line first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gates.analysis.mutants.arid import left_out_lines
from gates.analysis.mutants.operators import TABLE
from gates.analysis.mutants.source import Fault, Source
from gates.analysis.mutants.walk import places


def faults_of(path: str, data: bytes, wanted: Callable[[int], bool] = lambda _line: True) -> tuple[Fault, ...]:
    """The faults that can be planted in some lines of a module, the most promising first; none if it is not Python.

    Args:
        path: of the module's file, with `/`.
        data: its content.
        wanted: whether a line counts.
    """
    try:
        source = Source(path, data)
    except ValueError:
        return ()
    without = left_out_lines(source.lines)
    found = [one for one in _all(source) if one.line not in without and wanted(one.line)]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.line, one.edit.start)))


def _all(source: Source) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for place in places(source.tree):
        for row in TABLE:
            for edit, what in row.make(source, place):
                name = source.name_of(place.function, row.name, edit)
                seen[name] = seen.get(name, 0) + 1
                fault = Fault(
                    path=source.path,
                    line=source.line_of(edit.start),
                    function=place.function,
                    operator=row.name,
                    what=what,
                    edit=edit,
                    probe=place.probe,
                    weight=row.weight,
                    id=name if seen[name] == 1 else f"{name}-{seen[name]}",
                )
                yield fault


def diff_of(fault: Fault, data: bytes) -> str:
    """Unified diff of a fault."""
    return Source(fault.path, data).diff(fault.edit)
