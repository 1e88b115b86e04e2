"""Write and read the files of a run: `run.json`, `tests.jsonl` and everything rendered from them.

A file is written under another name and renamed, so a reader never sees a partial file; `tests.jsonl` grows by whole lines.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.regular import read_bytes
from gates.portable.values import SCHEMA_VERSION
from gates.results.tests import TestResult
from gates.results.values import Run

RUN_FILE = "run.json"
TESTS_FILE = "tests.jsonl"
SUMMARY_FILE = "summary.md"
PAGE_FILE = "summary.html"
JUNIT_FILE = "junit.xml"
COMPARISON_FILE = "comparison.json"
STACK_FILE = "stack.json"
MUTANTS_FILE = "mutants.json"
MUTANTS_SUMMARY_FILE = "mutants.md"
STACK_SUMMARY_FILE = "stack.md"
VIEWS = (SUMMARY_FILE, PAGE_FILE, JUNIT_FILE)
"""Files that show a run; each is made from `run.json`, `tests.jsonl` and `comparison.json` alone."""

LOGS_FOLDER = "logs"
CONFIRM_FOLDER = "confirm"
STACK_FOLDER = "stack"
TIMING_FOLDER = "timing"
RED_GREEN_FOLDER = "red-green"
"""Folder for the reports of confirming runs of a comparison: the evidence for its counts."""


def reports_problem(path: Path, error: OSError) -> EnvironmentProblem:
    """The error for a report that cannot be written."""
    return EnvironmentProblem(
        f"cannot write the report: {error.strerror or error}",
        place=str(path),
        remedy="free some space or make the folder writable, or name another one: --reports FOLDER, or GATES_CACHE_DIR for the cache",
    )


def write_whole(path: Path, text: str | bytes) -> None:
    """Write `path` under another name, then rename it: either the old file stays or the new one is complete.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    data = as_bytes(text)
    aside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except OSError as error:
        if aside:
            Path(aside).unlink(missing_ok=True)
        raise reports_problem(path, error) from error


def as_bytes(text: str | bytes) -> bytes:
    """The bytes of a report; lone surrogates are spelled out."""
    return text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text


def to_json(value: Any) -> bytes:
    """Indented JSON of a value, for people and diffs."""
    return msgspec.json.format(encoded(value), indent=2) + b"\n"


def encoded(value: Any) -> bytes:
    """JSON of a value; lone surrogates, which arguments and paths may contain but JSON may not, are spelled out."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_spelled(msgspec.to_builtins(value)))


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    return [_spelled(item) for item in value] if isinstance(value, list | tuple) else value


def load_run(path: Path) -> Run:
    """Read a `run.json`.

    Raises:
        UsageError: there is no such file, it is not a run, or a version of the schema that this program does not know.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise UsageError(
            f"there is no run: {error.strerror}", place=str(path), remedy="make one with `gates run`"
        ) from error
    try:
        version = msgspec.json.decode(data).get("schema_version")
        if version != SCHEMA_VERSION:
            raise UsageError(
                "another version of the schema",
                place=str(path),
                expected=f"schema_version {SCHEMA_VERSION}",
                got=str(version),
                remedy="read it with the version of gates that wrote it",
            )
        return msgspec.json.decode(data, type=Run)
    except (ValueError, AttributeError, RecursionError) as error:
        raise UsageError(f"not the result of a run: {error}", place=str(path)) from error


def load_tests(path: Path) -> tuple[TestResult, ...]:
    """Read a `tests.jsonl`; a missing file has no tests.

    An incomplete last line is ignored: the machine stopped while writing it.

    Raises:
        UsageError: the file cannot be read, or a line is not a test result.
    """
    try:
        lines = read_bytes(path).split(b"\n")[:-1]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"cannot read the test results: {error.strerror}", place=str(path)) from error
    decoder = msgspec.json.Decoder(TestResult)
    results = []
    for number, line in enumerate(lines, 1):
        try:
            results.append(decoder.decode(line))
        except ValueError as error:
            raise UsageError(f"not a test result: {error}", place=f"{path}:{number}") from error
    return tuple(results)
