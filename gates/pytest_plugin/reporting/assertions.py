"""In the process that runs the tests: records which assertions of some tests ran, how often, and how often they raised.

The runner names the files, the places of the assertions in them, and the tests. After the collection, the functions in these
files get code that also counts (see `counted_code`); each of the tests then takes the counts with it on its last report.
What prevents the recording is part of the record: that nothing was seen never means that nothing ran.
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Container, Generator, Iterable, Iterator, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Optional

import pytest

from ...portable.counted_code import (
    NOT_FOUND,
    counted,
    counters_of,
    counting_codes,
    key_of,
    numbered,
    numbers_in,
    replaces,
)
from ...portable.originals import hashlib, json, os
from ...portable.regular import read_bytes, read_text
from .reports import RECORD

if TYPE_CHECKING:
    from types import CodeType, ModuleType

    from ...portable.counted_code import Rewrite

_REWRITTEN = "@pytest_ar"
"""A name that pytest puts into modules whose assertions it rewrites."""

STARTED = "it started other processes, whose assertions are not counted"


class WatchedFile:
    """A file whose assertions are recorded.

    Attributes:
        name: relative to the project's folder, with `/`.
        digest: of the source that the places are from.
        places: line and column of each assertion.
        shared: positions in `places` of those in fixtures of wider scopes: any test may be the first that runs them.
        tests: ids of tests, without parameters and the file; lines: where functions of tests begin.
    """

    def __init__(self, name: str, told: Mapping[str, Any]) -> None:
        self.name, self.digest = name, str(told["digest"])
        self.places: list[tuple[int, int]] = [(int(line), int(column)) for line, column in told["places"]]
        self.shared = [int(at) for at in told["shared"]]
        self.tests = frozenset(map(str, told["tests"]))
        self.lines = frozenset(map(int, told["lines"]))
        self.first = 0


class Module:
    """A module with counters; the same file may be imported under several names.

    Attributes:
        globals: of the module.
    """

    def __init__(self, globals_: dict[str, Any], numbers: Iterable[int]) -> None:
        self.globals, self._numbers = globals_, list(numbers)
        self._fresh = {name: value for number in numbers for name, value in counters_of(number).items()}

    def reset(self) -> None:
        """Count from the beginning."""
        self.globals.update(self._fresh)

    def counts(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """The numbers of the assertions that ran, with their counts."""
        for number in self._numbers:
            found = counted(number, self.globals)
            if found[0]:
                yield number, found


class AssertionRecorder:
    """Counts in each process; registered only where the runner asks for it.

    Attributes:
        file: what to record: path from the project's folder → the fields of `WatchedFile`.
        root: the project's folder.
        unknown: file → why its assertions are not recorded.
    """

    def __init__(self, config: pytest.Config, file: str, root: str) -> None:
        self._config, self.file, self.root = config, file, root
        told = json.loads(read_text(file))
        base = os.path.realpath(root)
        self._files = {os.path.join(base, *name.split("/")): WatchedFile(name, one) for name, one in told.items()}
        first = 0
        for watched in self._files.values():
            watched.first = first
            first += len(watched.places)
        self._size = first
        self._modules: list[Module] = []  # those with counters
        self._shared = frozenset(one.first + at for one in self._files.values() for at in one.shared)
        self._of = [(one.name, line) for one in self._files.values() for line, _ in one.places]
        # Files that are not imported yet.
        self._waiting = {path: watched for path, watched in self._files.items() if watched.places}
        self.unknown: dict[str, str] = {}
        self._imported = 0  # how many modules were imported at the last look
        self._wanted: set[pytest.Item] = set()
        self._real: dict[str, str] = {}  # path → its real path
        self._stale = False  # other tests may have run since the last reset
        self._forks = [0]
        self._before: tuple[int, str] = (0, "")

    # After the collection

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Put the counters in, if one of the tests is to run here."""
        if session.config.option.collectonly:
            return
        self._wanted = {item for item in session.items if self._is_wanted(item)}
        if not self._wanted:
            return
        if hasattr(os, "register_at_fork"):
            forks = self._forks
            os.register_at_fork(after_in_parent=lambda: forks.__setitem__(0, forks[0] + 1))
        self._put_counters_in()

    def _is_wanted(self, item: pytest.Item) -> bool:
        watched = self._file(str(getattr(item, "path", "")))
        name = item.nodeid.partition("::")[2]
        if isinstance(item, pytest.Function) and item.originalname and name.endswith("]"):
            name = name[: name.index("[")]
        if watched is not None and name in watched.tests:
            return True
        code = _code_of(item)  # a test that a class inherits from one in another place
        home = None if code is None else self._file(code.co_filename)
        return home is not None and code is not None and code.co_firstlineno in home.lines

    def _file(self, path: str) -> Optional[WatchedFile]:
        if path not in self._real:
            self._real[path] = os.path.realpath(path)
        return self._files.get(self._real[path])

    def _put_counters_in(self) -> None:
        """Look for functions of the files that were not imported before."""
        self._imported = len(sys.modules)
        found: dict[str, list[FunctionType]] = {}
        for one in gc.get_objects():
            if type(one) is FunctionType:
                found.setdefault(one.__code__.co_filename, []).append(one)
        for name, functions in found.items():
            watched = self._file(name)
            if watched is not None and self._waiting.pop(self._real[name], None) is not None:
                self._replace(watched, self._real[name], name, functions)
        for path in list(_imported(self._waiting)):  # without a function that could count
            del self._waiting[path]

    def _replace(self, watched: WatchedFile, path: str, name: str, functions: list[FunctionType]) -> None:
        try:
            source = read_bytes(path)
            why = _why_not(source, watched)
            if why:
                self.unknown[watched.name] = why
                return
            places = numbered(watched.places, watched.first)
            rewritten = any(_REWRITTEN in function.__globals__ for function in functions)
            codes = counting_codes(source, name, places, self._rewriter(path, source) if rewritten else None)
        except Exception as error:  # noqa: BLE001 (the tests must run, even in a pytest that is not known)
            self.unknown[watched.name] = str(error) or type(error).__name__
            return
        found: set[int] = set()
        strange: dict[int, str] = {}
        for function in functions:
            code = codes.get(key_of(function.__code__))
            if code is None:
                continue
            if replaces(code, function.__code__):
                self._equip(watched, function.__globals__)
                function.__code__ = code
                found |= numbers_in(code)
            else:  # perhaps only a wrapper that looks like the function, as hypothesis makes it
                why = f"the code of {function.__qualname__} is not what its source compiles to"
                strange.update(dict.fromkeys(numbers_in(code), why))
        for at in set(places.values()) - found:
            self.unknown[f"{watched.name}:{self._of[at][1]}"] = strange.get(at, NOT_FOUND)

    def _equip(self, watched: WatchedFile, globals_: dict[str, Any]) -> None:
        """Give a module its counters."""
        if all(one.globals is not globals_ for one in self._modules):
            self._modules.append(Module(globals_, range(watched.first, watched.first + len(watched.places))))
            self._modules[-1].reset()

    def _reset(self) -> None:
        """Count from the beginning again."""
        for module in self._modules:
            module.reset()

    def _counts(self, positions: Container[int]) -> dict[int, tuple[int, int]]:
        """How often each assertion ran, and how often it raised; without those that did not run."""
        found: dict[int, tuple[int, int]] = {}
        for module in self._modules:
            for at, (ran, raised) in module.counts():
                if at in positions:
                    before = found.get(at, (0, 0))
                    found[at] = (before[0] + ran, before[1] + raised)
        return found

    def _rewriter(self, path: str, source: bytes) -> Rewrite:
        from _pytest.assertion.rewrite import rewrite_asserts

        return lambda tree: rewrite_asserts(tree, source, path, self._config)

    # Around each test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """An attempt begins."""
        if item not in self._wanted:
            return
        if self._waiting and len(sys.modules) != self._imported:
            self._put_counters_in()
        if self._stale:
            self._reset()
        self._before = (self._forks[0], _processes())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Put the record on the last report of an attempt."""
        outcome = yield
        if call.when != "teardown" or outcome.excinfo is not None:
            return
        report = outcome.get_result()
        if report is None:
            return
        self._stale = item not in self._wanted
        if not self._stale:
            setattr(report, RECORD, self._record(self._counts(range(self._size)), self._unknown()))
            self._reset()  # not when the next one begins: that would be part of its time
        elif self._shared:
            counts = self._counts(self._shared)
            if counts:
                setattr(report, RECORD, self._record(counts, self.unknown))
                self._reset()

    def _record(self, counts: Mapping[int, tuple[int, int]], unknown: Mapping[str, str]) -> dict[str, Any]:
        ran: dict[str, list[list[int]]] = {}
        for at, (number, raised) in sorted(counts.items()):
            name, line = self._of[at]
            ran.setdefault(name, []).append([line, number, raised])
        return {"ran": ran, **({"unknown": dict(unknown)} if unknown else {})}

    def _unknown(self) -> dict[str, str]:
        """Why something about this test is not known."""
        found = dict(self.unknown)
        if self._waiting and len(sys.modules) != self._imported:
            for name in _imported(self._waiting):
                found[self._waiting[name].name] = "it was imported only while the test ran"
        if (self._forks[0], _processes()) != self._before:
            found[""] = STARTED
        return found


def _why_not(source: bytes, watched: WatchedFile) -> str:
    """Why a file cannot be recorded; empty if it can."""
    if hashlib.sha256(source).hexdigest() != watched.digest:
        return "the file is not the one that was read before the run"
    return "" if __debug__ else "Python runs without assertions (-O)"


def _code_of(item: pytest.Item) -> CodeType | None:
    """The code of a test's function, below its decorators; None if it has none."""
    function: Any = getattr(item, "obj", None)
    inner: Any = getattr(getattr(function, "hypothesis", None), "inner_test", function)
    try:
        inner = inspect.unwrap(getattr(inner, "__func__", inner))
    except ValueError:  # they wrap each other
        return None
    return getattr(inner, "__code__", None)


def _processes() -> str:
    """Changes when `multiprocessing` starts a process, in any way."""
    module = sys.modules.get("multiprocessing.process")
    return repr(getattr(module, "_process_counter", ""))


def _imported(files: Mapping[str, WatchedFile]) -> Iterator[str]:
    """Those files that belong to an imported module."""
    modules: list[ModuleType] = list(sys.modules.values())
    for module in modules:
        path = os.path.realpath(str(getattr(module, "__file__", None) or ""))
        if path in files:
            yield path
