"""Warnings that pytest records are written down, whoever ran the test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gates.portable.rules import Override, RuleBook

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

ONE = """
    import warnings
    import pytest
    from lib import Own, helper

    class TestNothing:
        def __init__(self): pass

    def test_a(): helper(1)

    @pytest.mark.parametrize("n", [1, 2])
    def test_b(n): warnings.warn(f"seen {n} times", FutureWarning)

    @pytest.fixture
    def late():
        yield
        warnings.warn(Own("late"))

    def test_own(late): pass
    """
LIB = """
    import warnings

    class Own(UserWarning):
        pass

    def helper(n): warnings.warn("helped", DeprecationWarning)
    """


@pytest.fixture
def warned(project: Project) -> Project:
    (project.root / "pytest.ini").write_text("[pytest]\n")
    project.write(test_it=ONE, lib=LIB)
    return project


def found(ran: Ran) -> list[tuple[str, ...]]:
    return sorted(
        tuple(str(record[name]) for name in ("category", "message", "file", "line", "test", "when"))
        for record in ran.of("warning")
    )


EXPECTED = sorted(
    [
        ("DeprecationWarning", "helped", "lib.py", "7", "test_it.py::test_a", "runtest"),
        ("FutureWarning", "seen 1 times", "test_it.py", "12", "test_it.py::test_b[1]", "runtest"),
        ("FutureWarning", "seen 2 times", "test_it.py", "12", "test_it.py::test_b[2]", "runtest"),
        ("lib.Own", "late", "test_it.py", "17", "test_it.py::test_own", "runtest"),
    ]
)
COLLECTED = "cannot collect test class 'TestNothing' because it has a __init__ constructor (from: test_it.py)"


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_each_warning_is_written_with_its_place_and_test(warned: Project, options: tuple[str, ...]) -> None:
    ran = warned.injected(*options, settings={"supervise": True})
    assert ran.exit_code == 0, ran.output
    # Every worker collects, and the class is nevertheless one that cannot be collected.
    assert found(ran) == sorted(
        [*EXPECTED, ("pytest.PytestCollectionWarning", COLLECTED, "test_it.py", "6", "", "collect")]
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="isolation by fork")
@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_warnings_of_isolated_tests_arrive_once(warned: Project, how: str, options: tuple[str, ...]) -> None:
    rules = RuleBook([Override("override", "test(own) or test(test_a)", {"isolate": how})]).to_json()
    ran = warned.injected(*options, settings={"supervise": True, "rules": rules})
    assert ran.exit_code == 0, ran.output
    assert [each for each in found(ran) if each[5] == "runtest"] == EXPECTED
    assert "late" in ran.output


def test_very_many_are_counted_and_not_all_kept(warned: Project) -> None:
    warned.write(
        test_it="""
        import warnings

        def test_many():
            for number in range(5000):
                warnings.warn("a" if number % 2 else "b", UserWarning, stacklevel=1)
            for number in range(3000):
                warnings.warn("w" + "".join(chr(97 + int(d)) for d in str(number)))
        """
    )
    ran = warned.injected("-W", "always")
    assert ran.exit_code == 0, ran.output
    records = ran.of("warning")
    assert sum(record["count"] for record in records) == 8000
    assert len(records) < 4000
    assert ran.records[-1]["type"] == "finish"


def test_where_warnings_are_errors_there_are_none(project: Project) -> None:
    project.write(test_it="import warnings\ndef test_a(): warnings.warn('x')\n")
    ran = project.injected()
    assert ran.outcomes == {"test_a": "failed"}
    assert ran.of("warning") == []
