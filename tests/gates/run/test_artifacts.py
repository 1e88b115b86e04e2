from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gates.config import GateConfig
from gates.planning.discover import Gate
from gates.portable.values import GateOutcome
from gates.results import Diagnostics, TestCounts
from gates.results import artifacts as values
from gates.run import artifacts as brought
from gates.run.artifacts import READ, coverage_of, diagnostics_of, excerpt_of, stamps

if TYPE_CHECKING:
    from pathlib import Path

PASSED, FAILED = GateOutcome.PASSED, GateOutcome.FAILED
ENTRY = {"description": "bad", "location": {"path": "a.py", "lines": {"begin": 1}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").touch()
    return tmp_path


def gate(name: str = "lint", **fields: object) -> Gate:
    return Gate(name=name, group=name, kind="command", config=GateConfig(name=name, **fields))  # type: ignore[arg-type]


def in_log(root: Path, text: str, outcome: GateOutcome = FAILED) -> Diagnostics:
    (root / "lint.log").write_text(text)
    found = diagnostics_of(gate(), root, root / "lint.log", outcome, {})
    assert found is not None
    return found


def test_a_log_is_read_and_paths_begin_at_the_project(root: Path) -> None:
    found = in_log(root, f"gates > make lint\na.py:1:1: E1 one\n{root}/a.py:2:1: E1 two\nother.py:1:1: E1 none\n")
    assert (found.count, found.source, found.unknown) == (2, "log", "")
    assert [(each.path, each.line) for each in found.kept] == [("a.py", 1), ("a.py", 2)]
    assert in_log(root, "All fine!\n", PASSED) == Diagnostics(source="log")


@pytest.mark.parametrize("outcome", [each for each in GateOutcome if each not in {PASSED, FAILED}])
def test_a_gate_that_did_not_end_by_itself_found_nothing_that_is_known(root: Path, outcome: GateOutcome) -> None:
    assert in_log(root, "a.py:1:1: E1 one\n", outcome).unknown == f"the gate did not finish ({outcome})"
    found = coverage_of(gate(coverage=("c.json",)), root, outcome, {})
    assert found is not None
    assert found.unknown == f"the gate did not finish ({outcome})"


def test_a_gate_that_failed_for_another_reason_found_nothing_that_is_known(root: Path) -> None:
    assert in_log(root, "Traceback: it crashed\n").unknown.startswith(
        "the gate failed, and its log shows no diagnostic"
    )


def test_more_than_are_kept_are_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brought, "KEPT", 2)
    assert values.KEPT > 2
    found = in_log(root, "".join(f"a.py:{line}:1: E1 bad\n" for line in range(1, 6)))
    assert (found.count, [each.line for each in found.kept]) == (5, [1, 2])


def test_files_are_read_when_this_run_wrote_all_of_them(root: Path) -> None:
    both = gate("checks", findings=("one.json", "out/two.json"))
    (root / "out").mkdir()
    (root / "one.json").write_text(json.dumps([ENTRY]))
    (root / "out/two.json").write_text(json.dumps([ENTRY]))

    def found(outcome: GateOutcome = FAILED) -> Diagnostics:
        read = diagnostics_of(both, root, root / "no.log", outcome, before)
        assert read is not None
        return read

    before = stamps(root, both)
    assert found().unknown == "one.json was not written by this run: it is an old file"
    os.utime(root / "one.json", (1, 1))
    assert found().unknown == "out/two.json was not written by this run: it is an old file"
    os.utime(root / "out/two.json", (1, 1))
    assert (found().count, found().source) == (2, "one.json, out/two.json")
    (root / "one.json").write_text("")
    assert found().unknown == "one.json is empty"
    assert found(PASSED).count == 1
    (root / "one.json").write_text("[")
    assert found(PASSED).unknown.startswith("one.json is not JSON")
    (root / "one.json").unlink()
    assert found().unknown == "one.json was not written"
    (root / "one.json").mkdir()
    assert found().unknown.startswith("one.json cannot be read: ")


def test_coverage_is_read_when_this_run_wrote_it(root: Path) -> None:
    measured = gate("test", coverage=("coverage.json",))
    before = stamps(root, measured)
    content = {"files": {str(root / "a.py"): {"executed_lines": [1], "missing_lines": [2]}}}
    found = coverage_of(measured, root, PASSED, before)
    assert found is not None
    assert found.unknown == "coverage.json was not written"
    (root / "coverage.json").write_text(json.dumps(content))
    found = coverage_of(measured, root, PASSED, before)
    assert found is not None
    assert (found.unknown, found.files["a.py"].ran, found.files["a.py"].missed) == ("", "1", "2")
    found = coverage_of(measured, root, PASSED, stamps(root, measured))
    assert found is not None
    assert "it is an old file" in found.unknown
    (root / "coverage.json").write_text("{")
    found = coverage_of(measured, root, PASSED, before)
    assert found is not None
    assert found.unknown.startswith("coverage.json is not JSON")
    assert coverage_of(gate("test"), root, PASSED, {}) is None


@pytest.mark.parametrize(
    ("name", "fields", "source", "has_artifacts"),
    [
        ("lint", {}, "log", True),
        ("mypy", {}, "log", True),
        ("test", {}, "none", False),
        ("build", {}, "none", False),
        ("lint", {"findings": "none"}, "none", False),
        ("lint", {"tests": "pytest"}, "none", False),
        ("lint", {"findings": ("a.json",)}, ("a.json",), True),
        ("lint", {"findings": ()}, (), False),
        ("build", {"findings": "log"}, "log", True),
        ("test", {"coverage": ("c.xml",)}, "none", True),
    ],
)
def test_logs_are_read_of_gates_that_are_named_so_or_say_so(
    root: Path, name: str, fields: dict[str, object], source: object, has_artifacts: bool
) -> None:
    found = gate(name, **fields)
    assert (found.findings, found.has_artifacts) == (source, has_artifacts)
    if source in {"none", ()}:
        # What looks like a finding in the log of a test gate is none.
        (root / "x.log").write_text("a.py:1:1: E1 bad\n")
        assert diagnostics_of(found, root, root / "x.log", FAILED, {}) is None


@pytest.mark.parametrize(
    ("outcome", "counts", "lines"),
    [
        (GateOutcome.FAILED, None, ("error: no space",)),
        (GateOutcome.FAILED, TestCounts(run=2, passed=2), ("error: no space",)),
        (GateOutcome.FAILED, TestCounts(run=2, failed=1), ()),
        (GateOutcome.TIMEOUT, TestCounts(run=2, failed=1), ("first", "error: no space", "last")),
        (GateOutcome.COULD_NOT_RUN, None, ("error: no space",)),
        (GateOutcome.PASSED, None, ()),
        (GateOutcome.INTERRUPTED, None, ()),
    ],
)
def test_a_log_is_quoted_where_nothing_else_says_why(
    tmp_path: Path, outcome: GateOutcome, counts: TestCounts | None, lines: tuple[str, ...]
) -> None:
    log = tmp_path / "gate.log"
    log.write_bytes(b"gates > make\nfirst\nerror: no space\nlast\n")
    assert excerpt_of(log, outcome, counts) == lines


def test_only_the_end_of_a_huge_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "gate.log"
    log.write_bytes(b"error: long ago\n" + b"x" * READ + b"\nerror: at last\n")
    assert excerpt_of(log, GateOutcome.FAILED, None) == ("error: at last",)
    assert excerpt_of(tmp_path / "none.log", GateOutcome.FAILED, None) == ()
