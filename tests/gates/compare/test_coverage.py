from __future__ import annotations

from gates.compare.coverage import compare_coverage
from gates.compare.values import FileLines
from gates.results import Coverage
from gates.results.artifacts import FileCoverage
from gates.vcs.hunks import FileDifference, Hunk
from tests.gates.readers.junit.sample import a_gate


def added(path: str, first: int, *texts: str, removed: tuple[str, ...] = ()) -> FileDifference:
    return FileDifference(path, path, (Hunk(first, removed, first, texts),))


def of(ran: int = 0, lines: int = 0, unknown: str = "", notes: tuple[str, ...] = (), **files: str) -> Coverage:
    """`a="1-3/4"`: lines that ran and lines that did not."""
    split = {f"src/{name}.py": text.partition("/")[::2] for name, text in files.items()}
    known = {name: FileCoverage(ran=both[0], missed=both[1]) for name, both in split.items()}
    return Coverage(files=known, ran=ran, lines=lines, unknown=unknown, notes=notes)


def test_of_changed_lines_those_count_that_can_run() -> None:
    base = [a_gate("test", coverage=of(a="1-9/10"))]
    head = [a_gate("test", coverage=of(a="1-4,7/5,8,20", b="1/2")), a_gate("more", coverage=of(a="5/6"))]
    files = [
        added("src/a.py", 4, "ran", "ran in the other gate", "missed", "", "missed"),
        added("src/c.py", 1, "x", "", "y"),
        added("tests/test_a.py", 1, "no production"),
        FileDifference("src/gone.py", "", (Hunk(1, ("x",), 0, ()),)),
    ]
    found = compare_coverage(base, head, files)
    assert found is not None
    assert (found.covered, found.executable) == (2, 4)
    assert found.uncovered == (FileLines(path="src/a.py", lines="6,8", count=2),)
    assert found.unmeasured == (FileLines(path="src/c.py", lines="1,3", count=2),)
    # A line that one gate ran is no line that none ran.
    assert (found.base_total, found.head_total) == ((9, 10), (7, 11))


def test_what_is_not_known_is_never_none() -> None:
    known = a_gate("test", coverage=of(a="1/", notes=("a note",)))
    files = [added("src/a.py", 1, "x")]
    found = compare_coverage([], [known, a_gate("more", coverage=of(unknown="x.xml was not written"))], files)
    assert found is not None
    assert (found.unknown, found.executable, found.head_total) == ("more: x.xml was not written", 0, None)
    assert found.notes == ("test: a note",)
    found = compare_coverage([a_gate("test", coverage=of(unknown="old"))], [known], files)
    assert found is not None
    assert (found.unknown, found.base_total, found.covered) == ("", None, 1)
    assert compare_coverage([known], [a_gate("test")], files) is None
