"""Results files are compared without a project, and one that cannot be believed is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.commands.compare_files import compare_files, exit_of_files, names_files
from gates.compare.inputs import RegressionPolicy
from gates.compare.values import Comparison
from gates.portable.errors import GatesError, UsageError
from gates.portable.values import ExitCode, TestOutcome
from tests.gates.readers.junit.sample import a_gate, a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import Run, TestResult
    from tests.repository import Repository


def junit(*names: str, failing: tuple[str, ...] = (), attributes: str = "") -> str:
    bodies = {name: "<failure message='no'/>" if name in failing else "" for name in names}
    cases = "".join(f"<testcase classname='s' name='{name}'>{body}</testcase>" for name, body in bodies.items())
    return f"<testsuite name='u' {attributes}>{cases}</testsuite>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(folder: Path, base: dict[str, str], head: dict[str, str], *arguments: str) -> Comparison:
    for name, text in (base | head).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    before, after = arguments or (",".join(base), ",".join(head))
    return compare_files(before, after)


@pytest.mark.parametrize(
    ("argument", "files"),
    [
        ("a.xml", True),
        ("a.XML", True),
        ("reports/tests.jsonl", True),
        ("base/**/*.xml", True),
        ("a.xml,b.jsonl", True),
        ("a.xml, b.xml,", True),
        ("main", False),
        ("a.xml,main", False),
        ("", False),
        (",", False),
        ("run.json", False),
    ],
)
def test_an_argument_about_files_that_are_not_there_ends_like_them(folder: Path, argument: str, files: bool) -> None:
    assert names_files(argument) == files


@pytest.mark.parametrize(
    ("argument", "files"),
    [
        ("results.junit-xml", True),
        ("main", True),
        ("out/*.txt", True),
        ("results.junit-xml,out/a.txt", True),
        ("results.junit-xml,HEAD", False),
        ("out", False),
        ("out*", False),
        ("gone.junit-xml", False),
    ],
)
def test_what_exists_is_a_file_whatever_it_is_called(folder: Path, argument: str, files: bool) -> None:
    (folder / "out").mkdir()
    for name in ("results.junit-xml", "main", "out/a.txt"):
        (folder / name).write_text(junit("x"))
    assert names_files(argument) == files


def test_files_of_any_name_are_compared(folder: Path) -> None:
    found = compared(folder, {"a.junit-xml": junit("x")}, {"b.junit-xml": junit("x", failing=("x",))})
    assert exit_of_files(found) is ExitCode.REGRESSION


def test_a_name_of_a_file_and_a_commit_is_refused(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository.commit({"main": junit("x")})
    monkeypatch.chdir(repository.root)
    with pytest.raises(UsageError, match="'main' names both a file and a commit") as caught:
        names_files("main")
    assert caught.value.remedy == f"write ./main for the file, or the hash of the commit ({commit[:12]})"
    assert names_files("./main")
    assert not names_files(commit)


def test_two_files_of_any_runner_are_compared(folder: Path) -> None:
    found = compared(
        folder, {"a.xml": junit("x", "y", "z", failing=("z",))}, {"b.xml": junit("x", "y", "n", failing=("y",))}
    )
    assert (found.tests.newly_failing, found.tests.new, found.tests.removed) == (("s::y",), ("s::n",), ("s::z",))
    assert (found.base, found.head, found.regression) == ("a.xml", "b.xml", True)
    assert exit_of_files(found) is ExitCode.REGRESSION


@pytest.mark.parametrize("base", ["base/*.xml", "base/**/*.xml", "base/1.xml,base/2.xml", "base/1.xml, base/*.xml"])
def test_several_files_and_patterns_are_one_side(folder: Path, base: str) -> None:
    files = {"base/1.xml": junit("a"), "base/2.xml": junit("b")}
    found = compared(folder, files, {"head.xml": junit("a", "b", failing=("b",))}, base, "head.xml")
    assert (found.tests.newly_failing, found.tests.new, found.tests.removed) == (("s::b",), (), ())
    assert (found.base, found.base_counts.collected) == (f"{base} (2 files)", 2)


def test_a_test_of_two_files_is_two_tests(folder: Path) -> None:
    base = {"base/1.xml": junit("a"), "base/2.xml": junit("a")}
    head = {"head/1.xml": junit("a"), "head/2.xml": junit("a", failing=("a",))}
    assert compared(folder, base, head).tests.newly_failing == ("s::a",)
    assert compared(folder, base, {"head/2.xml": junit("a")}, "base/*.xml", "head/2.xml").tests.removed == ("s::a#2",)


def test_equal_names_in_one_file_and_in_the_next_are_all_kept(folder: Path) -> None:
    side = {
        "1.xml": junit("a").replace("</testsuite>", "<testcase classname='s' name='a'/></testsuite>"),
        "2.xml": junit("a"),
    }
    found = compared(folder, side, {"b.xml": junit("b")})
    assert found.tests.removed == ("s::a", "s::a#2", "s::a#3")


def test_a_name_with_a_comma_or_a_bracket_is_a_name_where_the_file_exists(folder: Path) -> None:
    found = compared(folder, {"a[1],b.xml": junit("x")}, {"b.xml": junit("x")}, "a[1],b.xml", "b.xml")
    assert found.tests.new == ()


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({}, ("a.xml", "b/*.xml"), ["a.xml: there is no such file", "b/*.xml: there is no such file"]),
        (
            {"a.xml": "<html/>", "b.xml": "<<<"},
            ("a.xml", "b.xml"),
            ["a.xml: is an HTML page", "b.xml:1: is not an XML file"],
        ),
        ({"a.xml": junit("x"), "b.xml": ""}, ("a.xml", "b.xml"), ["b.xml: is empty"]),
        ({"a.xml": junit("x"), "b.xml": "<testsuite><testcase name='a'/>"}, ("a.xml", "b.xml"), ["is cut off"]),
        (
            {"a.xml": junit("x", attributes="failures='2'")},
            ("a.xml", "a.xml"),
            ["contradicts itself", 'says failures="2", 0 failures are in it'],
        ),
        ({"a.xml": "<testsuite name='u'/>"}, ("a.xml", "a.xml"), ["there is no test case in the file"]),
        ({"a.jsonl": "", "b.jsonl": "{}\n"}, ("a.jsonl", "b.jsonl"), ["a.jsonl: contains no", "b.jsonl:1: not a test"]),
    ],
    ids=["missing", "something else", "empty", "cut off", "inconsistent", "no case", "lines"],
)
def test_every_file_that_cannot_be_believed_is_named(
    folder: Path, files: dict[str, str], arguments: tuple[str, str], said: list[str]
) -> None:
    with pytest.raises(GatesError) as caught:
        compared(folder, files, {}, *arguments)
    assert caught.value.exit_code is ExitCode.USAGE
    for words in said:
        assert words in str(caught.value)


def test_oddities_that_are_harmless_are_told_with_the_file(folder: Path) -> None:
    pytest_s = junit("x").replace("name='u'", "name='pytest' tests='3' errors='0' failures='0' time='1'")
    found = compared(folder, {"a.xml": junit("x")}, {"b.xml": pytest_s})
    (note,) = found.notes
    assert note.startswith(
        "head: b.xml: <testsuite name='pytest'> says tests=\"3\", 1 test case is in it (pytest counts "
    )
    assert exit_of_files(found) is ExitCode.PASSED


def test_what_could_be_saved_of_a_torn_file_is_told(folder: Path) -> None:
    torn = junit("x", "y", failing=("y",)).removesuffix("</testsuite>")
    with pytest.raises(GatesError, match=r"2 test cases before that place: 1 failed, 1 passed; s::y \(failed\)"):
        compared(folder, {"a.xml": junit("x")}, {"b.xml": torn})


def test_the_limits_of_the_config_hold(folder: Path) -> None:
    (folder / "gates.toml").write_text("[junit]\nmax-size = 10\n")
    with pytest.raises(GatesError, match="is too large"):
        compared(folder, {"a.xml": junit("x")}, {"b.xml": junit("x")})


def test_two_spellings_of_one_test_on_a_side_hide_none(folder: Path) -> None:
    case = "<testcase classname='tests.a' name='t' {}/>"
    placed = case.format("file='tests/a.py'")
    both = f"<testsuite>{case.format('')}{placed}</testsuite>"
    one = f"<testsuite>{case.format('')}</testsuite>"
    assert compared(folder, {"a.xml": both}, {"b.xml": one}).tests.removed == ("tests/a.py::t",)
    found = compare_files("b.xml", "a.xml")
    assert (found.tests.new, found.head_counts.collected) == (("tests/a.py::t",), 2)


def write_run(folder: Path, run: Run, tests: list[TestResult]) -> None:
    lay(folder, run, tests, render=True)


@pytest.mark.parametrize(("base", "head"), [("tests.jsonl", "junit.xml"), ("junit.xml", "tests.jsonl")])
def test_a_test_is_the_same_however_a_file_spells_it(folder: Path, base: str, head: str) -> None:
    tests = [a_test("C::D::m[a::b]"), a_test("f", TestOutcome.FAILED, signature="E: no @ x.py:f")]
    write_run(folder / "one", a_run(tests), tests)
    other = junit("m[a::b]").replace("classname='s'", "classname='tests.kvcache.test_pool.C.D'")
    found = compared(folder, {"other.xml": other}, {}, f"one/{base}", f"one/{head}")
    assert (found.tests.new, found.tests.removed, len(found.tests.still_failing)) == ((), (), 1)
    assert compare_files(f"one/{base}", "other.xml").tests.new == ()


@pytest.mark.parametrize("file", ["tests.jsonl", "junit.xml"])
def test_gates_are_kept_apart_where_the_files_know_them(folder: Path, file: str) -> None:
    gates = (a_gate("one"), a_gate("two"))
    before = [a_test("a", gate="one"), a_test("a", gate="two")]
    after = [a_test("a", TestOutcome.FAILED, gate="two"), a_test("a", gate="one")]
    write_run(folder / "base", a_run(before, gates=gates), before)
    write_run(folder / "head", a_run(after, gates=gates), after)
    found = compare_files(f"base/{file}", f"head/{file}")
    assert found.tests.newly_failing == ("two: tests/kvcache/test_pool.py::a",)
    assert found.tests.new == found.tests.removed == ()


def test_a_run_that_was_cut_off_is_said(folder: Path) -> None:
    for name, complete in (("base", True), ("head", False)):
        write_run(folder / name, a_run(complete=complete), [a_test()])
    found = compare_files("base/tests.jsonl", "head/tests.jsonl")
    assert found.notes == ("the run of the head is not complete: head/tests.jsonl",)


@pytest.mark.parametrize(("accepted", "code"), [((), ExitCode.REGRESSION), (("x",), ExitCode.PASSED)])
def test_an_exclusion_that_grows_is_a_regression_here_too(
    folder: Path, accepted: tuple[str, ...], code: ExitCode
) -> None:
    write_run(folder / "base", a_run(), [a_test("a")])
    write_run(folder / "head", a_run(), [a_test("a", TestOutcome.EXCLUDED, exclusion="x")])
    found = compare_files("base/tests.jsonl", "head/tests.jsonl", policy=RegressionPolicy(accepted=accepted))
    assert exit_of_files(found) is code
    with pytest.raises(GatesError, match="the files know no exclusion 'y'"):
        compare_files("base/tests.jsonl", "head/tests.jsonl", policy=RegressionPolicy(accepted=("y",)))


def test_failures_of_the_base_fail_the_comparison_only_where_they_block(folder: Path) -> None:
    (folder / "a.xml").write_text(junit("x", failing=("x",)))
    assert exit_of_files(compare_files("a.xml", "a.xml")) is ExitCode.PASSED
    assert (
        exit_of_files(compare_files("a.xml", "a.xml", policy=RegressionPolicy(base_failures="block")))
        is ExitCode.GATE_FAILED
    )


def test_the_comparison_is_written_where_reports_are_asked_for(folder: Path) -> None:
    (folder / "a.xml").write_text(junit("x"))
    found = compare_files("a.xml", "a.xml")
    assert sorted(path.name for path in folder.iterdir()) == ["a.xml"]
    assert compare_files("a.xml", "a.xml", folder / "out") == found
    assert msgspec.json.decode((folder / "out/comparison.json").read_bytes(), type=Comparison) == found
    assert found.base_identity.startswith("results:sha256:")
    (folder / "b.xml").write_text(junit("x", "y"))
    assert compare_files("a.xml", "b.xml").head_identity != found.head_identity


def case(outcome: str) -> str:
    return f'<testcase classname="c" name="t">{"<failure/>" if outcome == "failed" else ""}</testcase>'


ORDERS = [("passed", "failed"), ("failed", "passed")]


@pytest.mark.parametrize("base", ORDERS)
@pytest.mark.parametrize("head", ORDERS)
def test_the_order_of_results_with_one_name_decides_nothing(
    folder: Path, base: tuple[str, str], head: tuple[str, str]
) -> None:
    def file(outcomes: tuple[str, ...]) -> str:
        return f'<testsuite name="s">{"".join(map(case, outcomes))}</testsuite>'

    same = compared(folder, {"base.xml": file(base)}, {"head.xml": file(head)})
    assert not same.findings
    worse = compared(folder, {"one.xml": file(("passed", "passed"))}, {"two.xml": file(head)})
    assert len(worse.tests.newly_failing) == 1
    once = compared(folder, {"once.xml": file(("passed",))}, {"twice.xml": file(head)})
    assert len(once.tests.newly_failing) == 1
