"""The collected tests of a session: which run, and which the filter or the ledger left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ...portable.originals import json, os, write_whole
from ...portable.regular import read_text

if TYPE_CHECKING:
    from ...portable.filters import LeafReport


@dataclass(frozen=True)
class Entry:
    """One collected test; the fields are those of a `collected` record.

    Attributes:
        id: node id; the second of several equal ones has `#2`, and so on.
        file: relative to the root, with `/`.
        line: counted from 1; 0 if unknown.
        excluded_by: name of the ledger entry that excludes it; empty for none.
        deselected: the filter expression of gates left it out.
        included: it runs although an entry excludes it.
        quarantined_by: name of the quarantine entry that matches it; empty for none.
    """

    id: str
    file: str
    line: int
    excluded_by: str = ""
    deselected: bool = False
    included: bool = False
    quarantined_by: str = ""

    @property
    def selected(self) -> bool:
        """Whether the test runs."""
        return not self.deselected and (self.included or not self.excluded_by)


@dataclass(frozen=True)
class Catalogue:
    """All collected tests, the ones that run first.

    Attributes:
        tests: in order of collection; empty if they are not needed individually.
        excluded: how many tests each ledger entry excludes.
        deselected: how many tests the filter expression of gates left out.
        leaves: what each predicate of an expression matched, with the source of the expression.
        described: everything known about each test, if requested.
        left_out: what others left out before the selection of gates: (who, tests or files, how many).
    """

    tests: tuple[Entry, ...] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    deselected: int = 0
    leaves: tuple[tuple[str, LeafReport], ...] = ()
    described: tuple[dict[str, Any], ...] = ()
    left_out: tuple[tuple[str, str, int], ...] = ()


@dataclass
class Deselected:
    """The tests that the selection removed from pytest's list, and information about the rest."""

    excluded: dict[pytest.Item, str] = field(default_factory=dict)
    deselected: list[pytest.Item] = field(default_factory=list)
    included: dict[pytest.Item, str] = field(default_factory=dict)
    quarantined: dict[pytest.Item, str] = field(default_factory=dict)
    leaves: list[tuple[str, LeafReport]] = field(default_factory=list)
    described: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)  # who, of what → how many


def make_catalogue(selected: Sequence[pytest.Item], dropped: Deselected, *, every_test: bool) -> Catalogue:
    """The collected tests.

    Args:
        selected: the tests that run.
        dropped: those that do not.
        every_test: list each test, with numbers for duplicated ids; counting costs next to nothing, listing does not.
    """
    tests: list[Entry] = []
    if every_test:
        seen: Counter[str] = Counter()
        # pytest takes as long for the place of a test as for its collection; a description does not need it.
        entry = _bare_entry if dropped.described else _entry
        tests += [entry(item, seen, **_about(item, dropped)) for item in selected]
        tests += [entry(item, seen, excluded_by=name) for item, name in dropped.excluded.items()]
        tests += [entry(item, seen, deselected=True) for item in dropped.deselected]
    return Catalogue(
        tuple(tests),
        Counter(dropped.excluded.values()),
        len(dropped.deselected),
        tuple(dropped.leaves),
        tuple(dropped.described),
        tuple((who, what, number) for (who, what), number in dropped.left_out.items()),
    )


def _about(item: pytest.Item, dropped: Deselected) -> dict[str, Any]:
    """The ledger entries of a test that runs."""
    found: dict[str, Any] = {}
    if item in dropped.included:
        found = {"excluded_by": dropped.included[item], "included": True}
    if item in dropped.quarantined:
        found["quarantined_by"] = dropped.quarantined[item]
    return found


def _entry(item: pytest.Item, seen: Counter[str], **fields: Any) -> Entry:
    seen[item.nodeid] += 1
    file, line = place(item.location, item.nodeid)
    return Entry(numbered(item.nodeid, seen[item.nodeid]), file, line, **fields)


def _bare_entry(item: pytest.Item, seen: Counter[str], **fields: Any) -> Entry:
    return _bare(item.nodeid, seen, **fields)


def _bare(nodeid: str, seen: Counter[str], **fields: Any) -> Entry:
    """The information in the id alone."""
    seen[nodeid] += 1
    return Entry(numbered(nodeid, seen[nodeid]), nodeid.partition("::")[0], 0, **fields)


def numbered(nodeid: str, occurrence: int) -> str:
    """The id of the n-th test with this node id, counted from 1."""
    return nodeid if occurrence == 1 else f"{nodeid}#{occurrence}"


def place(location: tuple[str, int | None, str], nodeid: str) -> tuple[str, int]:
    """A location of pytest (line counted from 0) as file and line (counted from 1).

    The code of a generated test (hypothesis' state machines) is in a library: the file is then the one in the id.
    """
    file, line, _ = location
    if "site-packages" in file:
        return nodeid.partition("::")[0], 0
    return file.replace(os.sep, "/"), 0 if line is None else line + 1


def from_ids(ids: Iterable[str]) -> Catalogue:
    """The catalogue if only the ids are known."""
    seen: Counter[str] = Counter()
    return Catalogue(tuple(_bare(nodeid, seen) for nodeid in ids))


def reconciled(catalogue: Catalogue | None, ids: Sequence[str]) -> Catalogue:
    """The catalogue from a worker, adjusted to the ids that xdist will really run."""
    bare = from_ids(ids)
    if catalogue is None:
        return bare
    known = {test.id: test for test in catalogue.tests}
    run = tuple(known.get(test.id, test) for test in bare.tests)
    running = {test.id for test in run}
    left_out = tuple(test for test in catalogue.tests if not test.selected and test.id not in running)
    # These run, even if the catalogue has something else for them.
    run = tuple(test if test.selected else Entry(test.id, test.file, test.line) for test in run)
    return replace(catalogue, tests=run + left_out)


def save(catalogue: Catalogue, path: Path) -> None:
    """Write it under another name, then rename: several workers may do so at once, with the same content."""
    data = {
        "tests": [asdict(test) for test in catalogue.tests],
        "excluded": dict(catalogue.excluded),
        "deselected": catalogue.deselected,
        "leaves": [(source, report.to_json()) for source, report in catalogue.leaves],
        "described": catalogue.described,
        "left_out": catalogue.left_out,
    }
    try:
        write_whole(path, json.dumps(data), encoding="ascii")
    except OSError:
        # The controller can use the ids that xdist sends.
        return


def load(path: Path) -> Catalogue | None:
    """Read what `save` wrote; None if there is nothing to read."""
    try:
        data = json.loads(read_text(path, encoding="ascii"))
    except (OSError, ValueError):
        return None
    from ...portable.filters import LeafReport

    return Catalogue(
        tuple(Entry(**test) for test in data["tests"]),
        data["excluded"],
        data["deselected"],
        tuple((source, LeafReport.from_json(report)) for source, report in data["leaves"]),
        tuple(data["described"]),
        tuple((who, what, number) for who, what, number in data["left_out"]),
    )
