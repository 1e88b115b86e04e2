"""In the process that runs the tests: records which assertions of some tests ran, how often, and how often they raised.

The runner names the files, the places of the assertions in them, and the tests. After the collection, the functions in these
files get code that also counts (see `counted_code`); each of the tests then takes the counts with it on its last report.
What prevents the recording is part of the record: that nothing was seen never means that nothing ran.
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from ...portable.counted_code import LEFT, LIMIT, RAISED, counting_codes, flag, key_of, numbered, replaces
from ...portable.originals import hashlib, json, os
from ...portable.regular import read_bytes, read_text
from .reports import RECORD

if TYPE_CHECKING:
    from types import CodeType, ModuleType

    from ...portable.counted_code import Rewrite

_REWRITTEN = "@pytest_ar"
"""A name that pytest puts into modules whose assertions it rewrites."""

STARTED = "it started other processes, whose assertions nobody counts"


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
        self._left, self._raised = [LIMIT] * first, [0] * first
        self._globals: list[list[dict[str, Any]]] = [[] for _ in range(first)]  # of the modules with each assertion
        self._shared = [one.first + at for one in self._files.values() for at in one.shared]
        self._of = [(one.name, line) for one in self._files.values() for line, _ in one.places]
        self._waiting = dict(self._files)  # files that are not imported yet
        self.unknown: dict[str, str] = {}
        self._modules = 0  # how many were imported at the last look
        self._wanted: dict[pytest.Item, bool] = {}
        self._forks = [0]
        self._before: tuple[int, str] = (0, "")

    # After the collection

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Put the counters in, if one of the tests is to run here."""
        if session.config.option.collectonly or not any(map(self._is_wanted, session.items)):
            return
        if hasattr(os, "register_at_fork"):
            forks = self._forks
            os.register_at_fork(after_in_parent=lambda: forks.__setitem__(0, forks[0] + 1))
        self._put_counters_in()

    def _is_wanted(self, item: pytest.Item) -> bool:
        known = self._wanted.get(item)
        if known is None:
            known = self._wanted[item] = self._find(item)
        return known

    def _find(self, item: pytest.Item) -> bool:
        watched = self._files.get(os.path.realpath(str(getattr(item, "path", ""))))
        name = item.nodeid.partition("::")[2]
        if isinstance(item, pytest.Function) and item.originalname and name.endswith("]"):
            name = name[: name.index("[")]
        if watched is not None and name in watched.tests:
            return True
        code = _code_of(item)  # a test that a class inherits from one in another place
        if code is None:
            return False
        home = self._files.get(os.path.realpath(code.co_filename))
        return home is not None and code.co_firstlineno in home.lines

    def _put_counters_in(self) -> None:
        """Look for functions of the files that were not imported before."""
        self._modules = len(sys.modules)
        found: dict[str, list[FunctionType]] = {}
        for one in gc.get_objects():
            if type(one) is FunctionType:
                found.setdefault(one.__code__.co_filename, []).append(one)
        for name, functions in found.items():
            path = os.path.realpath(name)
            watched = self._waiting.pop(path, None)
            if watched is not None:
                self._replace(watched, path, name, functions)

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
        except Exception as error:  # noqa: BLE001 (whatever a foreign pytest does: the tests must run)
            self.unknown[watched.name] = str(error) or type(error).__name__
            return
        for function in functions:
            code = codes.get(key_of(function.__code__))
            if code is None:
                continue
            if replaces(code, function.__code__):
                self._equip(watched, function.__globals__)
                function.__code__ = code
            else:
                self.unknown[watched.name] = f"the code of {function.__qualname__} is not what its source compiles to"

    def _equip(self, watched: WatchedFile, globals_: dict[str, Any]) -> None:
        """Give counting code in a module what it uses."""
        if LEFT not in globals_:
            globals_[LEFT], globals_[RAISED] = self._left, self._raised
            numbers = range(watched.first, watched.first + len(watched.places))
            globals_.update((flag(number), True) for number in numbers)
            for number in numbers:
                self._globals[number].append(globals_)

    def _reset(self, numbers: Iterable[int]) -> None:
        """Count from the beginning again."""
        for at in numbers:
            if self._left[at] != LIMIT:
                self._left[at], self._raised[at] = LIMIT, 0
                for one in self._globals[at]:
                    one[flag(at)] = True

    def _rewriter(self, path: str, source: bytes) -> Rewrite:
        from _pytest.assertion.rewrite import rewrite_asserts

        return lambda tree: rewrite_asserts(tree, source, path, self._config)

    # Around each test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """An attempt begins."""
        if not self._is_wanted(item):
            return
        if self._waiting and len(sys.modules) != self._modules:
            self._put_counters_in()
        self._reset(range(self._size))
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
        if self._is_wanted(item):
            setattr(report, RECORD, self._record(range(self._size), self._unknown()))
        elif any(self._left[at] != LIMIT for at in self._shared):
            setattr(report, RECORD, self._record(self._shared, self.unknown))
        self._reset(self._shared)

    def _record(self, positions: Any, unknown: Mapping[str, str]) -> dict[str, Any]:
        ran: dict[str, list[list[int]]] = {}
        for at in positions:
            if self._left[at] != LIMIT:
                name, line = self._of[at]
                ran.setdefault(name, []).append([line, min(LIMIT, LIMIT - self._left[at]), self._raised[at]])
        return {"ran": ran, **({"unknown": dict(unknown)} if unknown else {})}

    def _unknown(self) -> dict[str, str]:
        """Why something about this test is not known."""
        found = dict(self.unknown)
        if self._waiting and len(sys.modules) != self._modules:
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
    """Changes when `multiprocessing` starts a process, in whatever way."""
    module = sys.modules.get("multiprocessing.process")
    return repr(getattr(module, "_process_counter", ""))


def _imported(files: Mapping[str, WatchedFile]) -> Iterator[str]:
    """Those files that belong to an imported module."""
    modules: list[ModuleType] = list(sys.modules.values())
    for module in modules:
        path = os.path.realpath(str(getattr(module, "__file__", None) or ""))
        if path in files:
            yield path
