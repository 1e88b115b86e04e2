from __future__ import annotations

from gates.compare.test_warnings import compare_warnings
from gates.results import GateResult, TestWarning, TestWarnings
from tests.gates.readers.junit.sample import a_gate


def gate(*groups: TestWarning, unknown: str = "") -> GateResult:
    found = TestWarnings(count=sum(group.count for group in groups), groups=groups, unknown=unknown)
    return a_gate("test", test_warnings=found)


def warning(message: str = "old", file: str = "a.py", count: int = 1, category: str = "UserWarning") -> TestWarning:
    return TestWarning(category=category, message=message, file=file, count=count)


def test_groups_that_the_base_does_not_have_are_new() -> None:
    base = [gate(warning("took 3 s", count=4), warning("gone"))]
    head = [gate(warning("took 5 s"), warning("took 5 s", category="FutureWarning"), warning("took 5 s", "b.py"))]
    found = compare_warnings(base, head, {"b.py": "c.py"})
    assert found is not None
    assert (found.base, found.head, found.unknown) == (5, 3, "")
    assert [(each.category, each.file) for each in found.new] == [("FutureWarning", "a.py"), ("UserWarning", "b.py")]
    renamed = compare_warnings(base, [gate(warning("took 1 s", "b.py"))], {"b.py": "a.py"})
    assert renamed is not None
    assert renamed.new == ()


def test_what_is_not_known_is_never_none() -> None:
    head = [gate(warning())]
    for base, why in (
        ([], "base: test: the gate was not run"),
        ([gate(unknown="it died")], "base: test: it died"),
        ([a_gate("test")], "base: test: pytest did not run (passed)"),
    ):
        found = compare_warnings(base, head, {})
        assert found is not None
        assert (found.base, found.head, found.new, found.unknown) == (None, 1, (), why)
    found = compare_warnings(head, [gate(warning("new"), unknown="it died")], {})
    assert found is not None
    assert (found.head, len(found.new), found.unknown) == (None, 1, "head: test: it died")
    assert compare_warnings([a_gate("lint")], [a_gate("lint")], {}) is None
