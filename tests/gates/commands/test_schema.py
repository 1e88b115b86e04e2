from __future__ import annotations

import json
from inspect import cleandoc
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import assume, given
from jsonschema import Draft202012Validator, ValidationError

from gates.commands.schema import NAMES, TYPES, schema_text
from gates.compare.inputs import SourceChanges
from gates.compare.runs import compare_runs
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import (
    Changes,
    EnvironmentChange,
    ExclusionRecord,
    FileChange,
    GateResult,
    Run,
    TestResult,
    Witness,
)
from gates.results.files import to_json
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, any_test

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(__file__).parents[3] / "docs" / "reference" / "schemas"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(schema_text(name))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


VALIDATORS = {name: validator(name) for name in TYPES}


def full_run() -> Run:
    """A run with something in every field that a real one fills."""
    tests = [a_test(str(outcome), outcome) for outcome in TestOutcome]
    gate = GateResult(
        name="test",
        outcome=GateOutcome.FAILED,
        kind="command",
        command=("make", "test"),
        environment=(EnvironmentChange(name="A", reason="why"), EnvironmentChange(name="B", value="", reason="why")),
        exit_code=-9,
        inconsistent=True,
        witnesses=(Witness(name="exit code", outcome=GateOutcome.FAILED), Witness(name="junit", detail="none")),
        tools={"pytest": "9.0"},
        tests=a_run(tests).tests,
    )
    return a_run(
        tests,
        gates=(gate, a_gate("lint")),
        changes=Changes(
            commits=(("abc", "Title"),),
            files=(
                FileChange(path="a", kind="test"),
                FileChange(path="b", kind="docs", status="A", added=1, removed=0),
            ),
        ),
        exclusions=(ExclusionRecord(name="a", filter="b", reason="c", category="d", owner="e", expires="2030-01-01"),),
        test_timeout=2.0,
        notes=("a", "b"),
        planned=("test", "lint"),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_current(name: str) -> None:
    published = SCHEMAS / f"{name}.json"
    assert published.read_text(encoding="utf-8") == schema_text(name), f"gates schema {name} > {published}"


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_the_same_on_every_python(name: str) -> None:
    """Since 3.13, Python removes the indentation of docstrings."""
    indented = [text for text in descriptions(json.loads(schema_text(name))) if text != cleandoc(text)]
    assert indented == []


def descriptions(schema: Any) -> Iterator[str]:
    for value in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(value, dict | list):
            yield from descriptions(value)
    if isinstance(schema, dict) and isinstance(schema.get("description"), str):
        yield schema["description"]


def test_every_schema_is_published() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == set(NAMES)


@pytest.mark.parametrize("run", [full_run(), a_run(), a_run(complete=False, gates=(), outcome="running")])
def test_a_run_fits_its_schema(run: Run) -> None:
    VALIDATORS["run"].validate(json.loads(to_json(run)))


@pytest.mark.slow
@given(any_test())
def test_any_test_result_fits_its_schema(result: TestResult) -> None:
    assume(isfinite(result.duration) and isfinite(result.started))  # no clock says anything else
    VALIDATORS["test"].validate(json.loads(to_json(result)))


def test_a_comparison_fits_its_schema() -> None:
    before, after = [a_test("one")], [a_test("one", TestOutcome.FAILED), a_test("two")]
    sources = SourceChanges(files=[FileChange(path="a", kind="config")])
    comparison = compare_runs(full_run(), before, a_run(after), after, ["note"], sources=sources)
    VALIDATORS["comparison"].validate(json.loads(to_json(comparison)))


def set_deep(data: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["gates", 0, "outcome"], "fine"),
        (["gates", 0, "witnesses", 0, "outcome"], "unknown"),
        (["gates", 0, "exit_code"], "1"),
        (["subject", "kind"], "branch"),
        (["changes", "files", 0, "kind"], "code"),
        (["tests", "passed"], "many"),
        (["started"], None),
        (["environment", "tools"], []),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_run_with_a_wrong_value_does_not_fit(path: list[Any], value: Any) -> None:
    data = json.loads(to_json(full_run()))
    set_deep(data, path, value)
    with pytest.raises(ValidationError):
        VALIDATORS["run"].validate(data)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(data), type=Run)
