from __future__ import annotations

import pytest

from gates.compare.diagnostics import Lines, compare_diagnostics, new_and_gone
from gates.results import Diagnostic, Diagnostics
from gates.vcs.hunks import FileDifference, Hunk
from tests.gates.readers.junit.sample import a_gate


def at(line: int, message: str = "bad", path: str = "a.py", rule: str = "E1") -> Diagnostic:
    return Diagnostic(path=path, line=line, rule=rule, message=message)


def changed(*hunks: Hunk, before: str = "a.py", after: str = "a.py") -> FileDifference:
    return FileDifference(before, after, hunks)


def new(base: list[Diagnostic], head: list[Diagnostic], *files: FileDifference) -> tuple[list[tuple[str, int]], int]:
    found, gone = new_and_gone(base, head, Lines(files))
    return [(each.path, each.line) for each in found], gone


INSERTED = changed(Hunk(0, (), 1, ("# one", "# two")))


@pytest.mark.parametrize(
    ("base", "head", "files", "found", "gone"),
    [
        ([at(5)], [at(5)], [], [], 0),
        ([], [at(5)], [], [5], 0),
        ([at(5)], [], [], [], 1),
        # lines were inserted in front of it
        ([at(5)], [at(7)], [INSERTED], [], 0),
        # and a second one like it was added: the one that stands on the old line is the old one
        ([at(5)], [at(1), at(7)], [INSERTED], [1], 0),
        ([at(5)], [at(7), at(9)], [INSERTED], [9], 0),
        # a change elsewhere brought a second one to a line that both have
        ([at(5)], [at(5), at(7)], [INSERTED], [5], 0),
        # its function was moved within the file, and a second one stands on a line that is new
        (
            [at(2)],
            [at(3), at(8)],
            [changed(Hunk(2, ("  old()",), 1, ()), Hunk(3, (), 3, ("  other()",)), Hunk(7, (), 8, ("    old()",)))],
            [3],
            0,
        ),
        # numbers of a message are no difference, names are
        ([at(5, "line too long (120 > 100)")], [at(5, "line too long (130 > 100)")], [], [], 0),
        ([at(5, "`os` unused")], [at(5, "`sys` unused")], [], [5], 1),
        ([at(5, 'Name "a_very_long_name_of_something" is wrong')], [at(5, 'Name "a_very_long_name_of_another" is wrong')], [], [5], 1),
        ([at(5, rule="E1")], [at(5, rule="E2")], [], [5], 1),
        # about the whole file
        ([at(0)], [at(0)], [INSERTED], [], 0),
    ],
)  # fmt: skip
def test_what_is_new_is_what_the_base_has_not_wherever_its_lines_are(
    base: list[Diagnostic], head: list[Diagnostic], files: list[FileDifference], found: list[int], gone: int
) -> None:
    assert new(base, head, *files) == ([("a.py", line) for line in found], gone)


def test_a_renamed_file_has_nothing_new() -> None:
    renamed = changed(Hunk(0, (), 1, ("x",)), before="a.py", after="b.py")
    assert new([at(5)], [at(6, path="b.py"), at(5, path="c.py")], renamed) == ([("c.py", 5)], 0)


def test_lines_that_were_moved_to_another_file_have_nothing_new() -> None:
    taken = changed(Hunk(5, ("def f():", "  bad()"), 4, ()))
    put = changed(Hunk(0, (), 1, ("def f():", "    bad()", "", "  worse()")), before="", after="b.py")
    assert new([at(6)], [at(2, path="b.py"), at(4, path="b.py")], taken, put) == ([("b.py", 4)], 0)
    # What goes from one file and comes in another with other words is no move.
    assert new([at(6)], [at(4, path="b.py")], taken, put) == ([("b.py", 4)], 1)


def test_what_is_not_known_is_never_none() -> None:
    def compared(base: Diagnostics | None, head: Diagnostics | None) -> tuple[int | None, int | None, int, str]:
        gates = [[a_gate("lint", diagnostics=side)] if side is not None else [] for side in (base, head)]
        (found,) = compare_diagnostics(gates[0], gates[1], [])
        return found.base, found.head, len(found.new), found.unknown

    known, unknown = Diagnostics(count=1, kept=(at(1),)), Diagnostics(unknown="it crashed")
    assert compared(known, Diagnostics(count=2, kept=(at(1), at(2)))) == (1, 2, 1, "")
    assert compared(known, unknown) == (1, None, 0, "head: it crashed")
    assert compared(unknown, known) == (None, 1, 0, "base: it crashed")
    assert compared(None, known) == (None, 1, 0, "base: the gate was not run")
    # What was not kept of the base may be what looks new.
    cut = Diagnostics(count=9, kept=(at(1),))
    assert compared(cut, Diagnostics(count=1, kept=(at(2, "x"),)))[2:] == (0, "base: only the first 1 of 9 are kept")
    assert compared(known, Diagnostics(count=9, kept=(at(2, "x"),)))[2:] == (1, "head: only the first 1 of 9 are kept")
    assert compare_diagnostics([a_gate("test")], [a_gate("test")], []) == ()
