"""Results are tests, too: the same language asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.pipeline import result_files as recorded
from gates.portable.errors import GatesError
from gates.portable.filters import compile_filter
from gates.portable.values import TestOutcome
from gates.results.tests import SubtestResult
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path

JUNIT = """<testsuite name="s">
<testcase classname="tests.test_a" file="tests/test_a.py" name="ok" time="2"/>
<testcase classname="tests.test_a" file="tests/test_a.py" name="bad"><failure message="no"/></testcase>
</testsuite>"""


def found(root: Path, file: Path, expression: str) -> list[str]:
    tests = recorded.tests_of_files(root, [file], [expression])
    compiled = compile_filter(expression, tests.facts, tests.named)
    return [test.id.rpartition("::")[2] for test in tests.candidates if compiled.matches(test)]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("failed(last)", ["bad"]),
        ("slow(>1s)", ["ok"]),
        ("flaky()", []),
        ("file(tests/test_a.py) - failed(last)", ["ok"]),
        ("mark(x)", ["ok", "bad"]),
        ("failed(base) and test(ok)", ["ok"]),
    ],
)
def test_a_junit_file_of_any_runner_can_be_asked(tmp_path: Path, expression: str, names: list[str]) -> None:
    file = tmp_path / "out.xml"
    file.write_text(JUNIT)
    assert found(tmp_path, file, expression) == names


def test_our_own_results_know_their_subtests(tmp_path: Path) -> None:
    subtests = (SubtestResult(name="[parity] (number=1)"),)
    tests = [a_test(id="a.py::x", outcome=TestOutcome.FAILED, subtests=subtests), a_test(id="a.py::y")]
    lay(tmp_path / "reports", a_run(tests), tests)
    file = tmp_path / "reports" / "tests.jsonl"
    assert found(tmp_path, file, "test(parity)") == ["x [parity] (number=1)"]
    assert found(tmp_path, file, "kind(subtest) and test(x)") == ["x", "x [parity] (number=1)"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("out.xml", "<html/>", "is an HTML page"),
        ("out.xml", None, "cannot be read"),
        ("tests.jsonl", None, "there is no such file"),
        ("tests.jsonl", "{}\n", "not a test result"),
        ("out.xml", '<testsuite tests="5"><testcase name="a"/></testsuite>', 'says tests="5", 1 test case is in it'),
    ],
)
def test_a_file_that_cannot_be_believed_is_refused(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(GatesError, match=r".") as caught:
        recorded.tests_of_files(tmp_path, [tmp_path / name], [])
    assert said in str(caught.value)


def test_the_limits_of_the_config_hold(tmp_path: Path) -> None:
    (tmp_path / "out.xml").write_text(JUNIT)
    (tmp_path / "gates.toml").write_text("[junit]\nmax-depth = 1\n")
    with pytest.raises(GatesError, match="nests its elements too deeply"):
        recorded.tests_of_files(tmp_path, [tmp_path / "out.xml"], [])


@pytest.mark.parametrize(
    "expression",
    [
        "class(TestInner)",
        "class(TestPool)",
        "file(tests/**)",
        "module(tests.test_a)",
        "package(tests)",
        "binary(test_a)",
    ],
)
def test_a_file_without_files_leaves_open_where_its_tests_stand(tmp_path: Path, expression: str) -> None:
    # As pytest writes it by default.
    file = tmp_path / "out.xml"
    file.write_text(
        '<testsuite name="pytest"><testcase classname="tests.test_a.TestInner" name="test_in"/></testsuite>'
    )
    assert found(tmp_path, file, expression) == found(tmp_path, file, f"not {expression}") == ["test_in"]
    assert found(tmp_path, file, "name(=test_in)") == ["test_in"]
