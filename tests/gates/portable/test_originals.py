"""What runs inside foreign test processes calls nothing that a test may have replaced."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gates
from gates.portable import originals

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(gates.__file__).parent
APART = ("gates.noxtools",)
"""Runs in nox's process, where no test does."""

FILE_METHODS = frozenset(
    [
        "exists",
        "is_dir",
        "is_file",
        "read_text",
        "read_bytes",
        "write_text",
        "write_bytes",
        "unlink",
        "touch",
        "mkdir",
        "rmdir",
        "iterdir",
        "glob",
        "rglob",
        "stat",
        "lstat",
        "open",
        "samefile",
        "symlink_to",
        "hardlink_to",
    ]
)
"""Of a `Path`; tests like to replace these."""

KEPT = ("os", "os.path", "io")


def foreign_files() -> list[Path]:
    """All modules that are loaded into test processes, by the contract that keeps them to the standard library."""
    project = tomllib.loads((HOME.parent / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    names = next(one["source_modules"] for one in contracts if "foreign environments" in one["name"])
    found = []
    for name in names:
        path = HOME.parent / name.replace(".", "/")
        if name not in APART:
            found += sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [path for path in found if path.name != "originals.py"]


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from at_run_time(node)


def faults(text: str) -> list[str]:
    """Lines that reach for something a test may have replaced."""
    found = []
    for node in at_run_time(ast.parse(text)):
        if isinstance(node, ast.Import) and {alias.name.partition(".")[0] for alias in node.names} & {
            *originals.MODULES
        }:
            found.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "") in originals.MODULES:
            if node.module != "hashlib":  # a function of C that is bound once
                found.append(node.lineno)
        elif isinstance(node, ast.Call) and (
            ast.unparse(node.func) == "open"
            or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in FILE_METHODS
                and ast.unparse(node.func.value) not in KEPT
            )
        ):
            found.append(node.lineno)
    return [f"{number}: {text.splitlines()[number - 1].strip()}" for number in found]


@pytest.mark.parametrize("path", foreign_files(), ids=lambda path: str(path.relative_to(HOME)))
def test_code_in_foreign_processes_calls_what_is_kept(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        *("import os", "import os.path", "from time import sleep", "def f():\n    import json", "open('x')"),
        *("Path('x').exists()", "self.path.read_text()", "folder.glob('*')"),
    ],
)
def test_every_other_way_is_found(text: str) -> None:
    assert len(faults(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from ..originals import os\nos.stat('x')",
        "if TYPE_CHECKING:\n    import os",
        "from .regular import read_text\nread_text(path)",
    ],
)
def test_what_is_kept_may_be_used(text: str) -> None:
    assert faults(text) == []


def broken(*_args: object, **_more: object) -> object:
    raise AssertionError("a test has replaced it")


def test_what_a_test_replaces_stays_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pid = os.getpid()
    with monkeypatch.context() as patch:
        for name in ("os.getpid", "os.stat", "os.replace", "os.listdir", "os.path.isdir", "io.open", "builtins.open"):
            patch.setattr(name, broken)
        patch.setattr(json, "dumps", broken)
        originals.write_whole(tmp_path / "a", originals.json.dumps({"a": 1}))
        found = originals.exists(tmp_path / "a"), originals.names_in(tmp_path)
        with originals.os.fdopen(originals.os.open(tmp_path / "a", os.O_RDONLY)) as file:
            text = file.read()
        assert originals.os.getpid() == pid
    assert (found, text) == ((True, ["a"]), '{"a": 1}')


def test_the_clock_goes_on_while_a_test_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time()
    with monkeypatch.context() as patch:
        for name in ("time", "monotonic", "perf_counter", "clock_gettime"):
            patch.setattr(time, name, lambda *_args: 0.0)
        said, first, second = originals.time.time(), originals.time.monotonic(), originals.time.monotonic()
    assert abs(said - real) < 60
    assert second >= first > 0


def test_a_module_that_nobody_has_loaded_is_kept_when_it_is_needed() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'socket'"):
        _ = originals.socket
    for name in originals.MODULES:
        assert vars(getattr(originals, name))["__name__"] == name
        assert getattr(originals, name) is not sys.modules[name]
