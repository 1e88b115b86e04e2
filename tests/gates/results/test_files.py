from __future__ import annotations

import json
import stat
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import assume, given

from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.values import GateOutcome
from gates.results import GateResult, Run, TestResult
from gates.results.files import (
    encoded,
    load_run,
    load_tests,
    to_json,
    write_whole,
)
from tests.gates.readers.junit.sample import a_run, a_test, any_test

if TYPE_CHECKING:
    from pathlib import Path


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# Writing a file as a whole


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_whole(path, "one, größer\n")
    held = path.open("rb")
    write_whole(path, b"two")
    with held:
        assert held.read() == "one, größer\n".encode()  # a reader never sees a mixture
    assert everything(path.parent) == {"a.txt": b"two"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvironmentProblem, match="cannot write the report") as caught:
        write_whole(tmp_path / "folder", "text")
    assert caught.value.place == str(tmp_path / "folder")
    assert "--reports" in caught.value.remedy
    assert everything(tmp_path) == {}


def test_half_characters_are_spelled_out_in_texts(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "a\ud800b")
    assert (tmp_path / "a").read_bytes() == b"a\\ud800b"


# Round trips


@given(any_test())
def test_any_result_can_be_written_and_read_again(tmp_path_factory: pytest.TempPathFactory, result: TestResult) -> None:
    assume(isfinite(result.duration) and isfinite(result.started))  # no clock says anything else
    folder = tmp_path_factory.mktemp("any", numbered=True)
    data = encoded(result) + b"\n"
    (folder / "tests.jsonl").write_bytes(data)
    assert data.count(b"\n") == 1
    (read,) = load_tests(folder / "tests.jsonl")
    assert (read.gate, read.outcome, read.duration) == (result.gate, result.outcome, result.duration)
    for field in ("id", "reason", "message", "details", "stdout", "stderr"):
        text: str = getattr(result, field)
        assert getattr(read, field) == text.encode("utf-8", "backslashreplace").decode()


def test_json_spells_out_half_characters_wherever_they_stand() -> None:
    gate = GateResult(name="a", outcome=GateOutcome.PASSED, command=("x\udcff",), tools={"t\udcff": "\ud800"})
    run = a_run(gates=(gate,), command_line="gates -E '\udcff'")
    read = msgspec.json.decode(to_json(run), type=Run)
    assert read.gates[0].command == (r"x\udcff",)
    assert read.gates[0].tools == {r"t\udcff": r"\ud800"}
    assert read.command_line == r"gates -E '\udcff'"


def test_json_is_for_people_and_ends_its_last_line() -> None:
    text = to_json(a_run()).decode()
    assert text.startswith("{\n  ")
    assert text.endswith("}\n")
    assert json.loads(text)["schema_version"] == 1


# Reading


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"5", b'"text"', b"null", b'{"schema_version": 1}', b"\xff", b'{"a": "\xff"}', b"[" * 200_000],
    ids=["empty", "cut", "list", "number", "text", "null", "half", "bytes", "bytes in a text", "deep"],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load_run(tmp_path / "run.json")
    assert caught.value.place == str(tmp_path / "run.json")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_of_the_schema_is_refused(tmp_path: Path, version: Any) -> None:
    data = {**json.loads(to_json(a_run())), "schema_version": version}
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="another version") as caught:
        load_run(tmp_path / "run.json")
    assert (caught.value.expected, caught.value.got) == ("schema_version 1", str(version))


def test_fields_of_a_newer_program_are_no_reason_to_refuse(tmp_path: Path) -> None:
    data = {**json.loads(to_json(a_run())), "something": {"new": 1}}
    (tmp_path / "run.json").write_text(json.dumps(data))
    assert load_run(tmp_path / "run.json") == a_run()


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run: No such file") as caught:
        load_run(tmp_path / "run.json")
    assert "gates run" in caught.value.remedy


def test_no_file_of_tests_holds_no_tests(tmp_path: Path) -> None:
    assert load_tests(tmp_path / "tests.jsonl") == ()


def test_a_line_that_never_ended_did_not_land(tmp_path: Path) -> None:
    line = msgspec.json.encode(a_test("one"))
    (tmp_path / "tests.jsonl").write_bytes(line + b"\n" + line[:-9])
    assert load_tests(tmp_path / "tests.jsonl") == (a_test("one"),)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"gate": "\xff"}', b'{"gate":"a","id":"b","outcome":"fine"}'])
def test_a_line_that_is_no_result_is_refused_by_its_number(tmp_path: Path, line: bytes) -> None:
    good = msgspec.json.encode(a_test("one"))
    (tmp_path / "tests.jsonl").write_bytes(b"\n".join([good, line, good, b""]))
    with pytest.raises(UsageError, match="not a test result") as caught:
        load_tests(tmp_path / "tests.jsonl")
    assert caught.value.place == f"{tmp_path / 'tests.jsonl'}:2"


def test_tests_that_cannot_be_read_are_an_error_not_none(tmp_path: Path) -> None:
    (tmp_path / "tests.jsonl").mkdir()
    with pytest.raises(UsageError, match="cannot read"):
        load_tests(tmp_path / "tests.jsonl")


def test_a_link_that_leads_nowhere_is_written_through_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "run.json").symlink_to("nowhere")
    write_whole(tmp_path / "run.json", "x")
    assert everything(tmp_path) == {"run.json": b"x"}
