"""Other code for living functions: each kind of function, in this process, on modules that are made for it."""

from __future__ import annotations

import gc
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from gates.pytest_plugin.mutants import code as module
from gates.pytest_plugin.mutants.code import Code, Unable, edited, listen_to_probes, with_probes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Load = Callable[[str], Any]

TEXT = dedent(
    """
    import functools

    LIMIT = 1 + 1

    def plain(value):
        return value + 1

    def decorated(function):
        @functools.wraps(function)
        def wrapper(value):
            return function(value)
        return wrapper

    @decorated
    def wrapped(value):
        return value + 2

    class Thing:
        size = 3 + 1

        def method(self):
            return 4 + 1

        @property
        def shown(self):
            return 5 + 1

    def generator():
        yield 6 + 1

    ADD = (lambda value: value + 7)
    """
)


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Imports a text as the module `things`, from a file."""

    def imported(text: str) -> Any:
        path = tmp_path / "things.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("things", path)
        assert spec is not None
        assert spec.loader is not None
        found = sys.modules["things"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    yield imported
    sys.modules.pop("things", None)
    gc.collect()  # functions of a module that is gone may still live


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts Python's loader back."""
    monkeypatch.setattr(SourceFileLoader, "get_code", SourceFileLoader.get_code)


KINDS = [
    pytest.param("value + 1", "value + 9", lambda one: one.plain(0), 9, id="a function"),
    pytest.param("value + 2", "value + 9", lambda one: one.wrapped(0), 9, id="a decorated function"),
    pytest.param("return function(value)", "return 9", lambda one: one.wrapped(0), 9, id="a wrapper that forgets what it wraps"),
    pytest.param("4 + 1", "9", lambda one: one.Thing().method(), 9, id="a method"),
    pytest.param("5 + 1", "9", lambda one: one.Thing().shown, 9, id="a property"),
    pytest.param("6 + 1", "9", lambda one: list(one.generator()), [9], id="a generator"),
    pytest.param("value + 7", "value + 9", lambda one: one.ADD(0), 9, id="a lambda"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "use", "expected"), KINDS)
def test_a_living_function_gets_other_code(
    load: Load, tmp_path: Path, old: str, new: str, use: Callable[[Any], object], expected: object
) -> None:
    things = load(TEXT)
    assert use(things) != expected
    assert Code(str(tmp_path), {"things.py": TEXT}).replace("things.py", TEXT.replace(old, new)) >= 1
    assert use(things) == expected


@pytest.mark.parametrize("old", ["1 + 1", "3 + 1"])
def test_code_outside_of_functions_is_not_replaced(load: Load, tmp_path: Path, old: str) -> None:
    load(TEXT)
    code = Code(str(tmp_path), {"things.py": TEXT})
    assert code.replace("things.py", TEXT.replace(old, "9 + 1")) == 0
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    assert code.is_outside("things.py", line)
    assert not code.is_outside("things.py", TEXT[: TEXT.index("value + 1")].count("\n") + 1)


def test_an_installed_copy_with_the_same_content_is_found(load: Load, tmp_path: Path) -> None:
    things = load(TEXT)
    assert Code(str(tmp_path / "elsewhere"), {"src/things.py": TEXT}).replace(
        "src/things.py", TEXT.replace("value + 1", "value + 9")
    )
    assert things.plain(0) == 9


def test_a_copy_with_another_content_is_not(load: Load, tmp_path: Path) -> None:
    load(TEXT + "\n# another")
    assert not Code(str(tmp_path / "elsewhere"), {"src/things.py": TEXT}).imported("src/things.py")


def test_code_that_an_import_hook_changed_is_not_taken_for_that_of_the_file(load: Load, tmp_path: Path) -> None:
    load(TEXT.replace("value + 1", "value + 5"))
    code = Code(str(tmp_path), {"things.py": TEXT})
    line = TEXT[: TEXT.index("value + 1")].count("\n") + 1
    assert code.replace("things.py", TEXT.replace("value + 1", "value + 9")) == 0
    assert code.differs("things.py", line)
    assert not code.differs("things.py", TEXT[: TEXT.index("value + 2")].count("\n") + 1)


def test_a_text_that_this_python_cannot_read_is_refused(load: Load, tmp_path: Path) -> None:
    load(TEXT)
    with pytest.raises(Unable, match="not valid in this version of Python"):
        Code(str(tmp_path), {"things.py": TEXT}).replace("things.py", "def (")


@pytest.mark.usefixtures("loader")
def test_a_module_that_is_imported_later_has_the_fault_and_leaves_no_bytecode(load: Load, tmp_path: Path) -> None:
    code = Code(str(tmp_path), {"things.py": TEXT})
    code.import_as({"things.py": TEXT.replace("LIMIT = 1 + 1", "LIMIT = 9")})
    assert load(TEXT).LIMIT == 9
    assert not (tmp_path / "__pycache__").exists()


ASSERTING = "def checked(value):\n    assert value > 1\n    return value + 1\n"


@pytest.fixture
def rewritten(tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Imports a text as the module `rewritten_things`, with its assertions rewritten, as those of a plugin are."""
    hook = AssertionRewritingHook(pytestconfig)
    hook.mark_rewrite("rewritten_things")
    monkeypatch.setattr(AssertionRewritingHook, "exec_module", AssertionRewritingHook.exec_module)
    monkeypatch.syspath_prepend(tmp_path)

    def imported(text: str) -> Any:
        (tmp_path / "rewritten_things.py").write_text(text)
        spec = hook.find_spec("rewritten_things", [str(tmp_path)])
        assert spec is not None
        found = sys.modules["rewritten_things"] = importlib.util.module_from_spec(spec)
        hook.exec_module(found)
        return found

    yield imported
    sys.modules.pop("rewritten_things", None)
    gc.collect()


def test_a_function_whose_assertions_pytest_rewrites_gets_other_code(rewritten: Load, tmp_path: Path) -> None:
    things = rewritten(ASSERTING)
    code = Code(str(tmp_path), {"rewritten_things.py": ASSERTING})
    assert not code.differs("rewritten_things.py", 3)
    assert code.replace("rewritten_things.py", ASSERTING.replace("value + 1", "value + 9")) == 1
    assert things.checked(2) == 11
    with pytest.raises(AssertionError, match="assert 1 > 1"):
        things.checked(1)


@pytest.mark.usefixtures("loader")
def test_a_rewritten_module_that_is_imported_later_has_the_fault(rewritten: Load, tmp_path: Path) -> None:
    code = Code(str(tmp_path), {"rewritten_things.py": ASSERTING})
    code.import_as({"rewritten_things.py": ASSERTING.replace("value + 1", "value + 9")})
    assert rewritten(ASSERTING).checked(2) == 11


@pytest.mark.usefixtures("loader")
def test_other_modules_are_imported_as_usual(load: Load, tmp_path: Path) -> None:
    Code(str(tmp_path), {"others.py": TEXT}).import_as({"others.py": "LIMIT = 9"})
    assert load(TEXT).LIMIT == 2


def test_functions_of_this_tool_keep_their_code(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "things")
    load(TEXT)
    assert not Code(str(tmp_path), {"things.py": TEXT}).imported("things.py")


def test_probes_tell_which_statements_run(load: Load, tmp_path: Path) -> None:
    reached: list[int] = []
    listen_to_probes(reached.append)
    text = (
        "def choose(value):\n    if value:\n        return 1\n    elif value is None:\n        return 2\n    return 3\n"
    )
    things = load(text)
    probes = {(2, 4): 0, (3, 8): 1, (4, 4): 2, (5, 8): 3, (6, 4): 4}
    Code(str(tmp_path), {"things.py": text}).replace("things.py", with_probes(text, probes))
    assert (things.choose(None), reached) == (2, [0, 2, 3])


def test_an_edit_counts_bytes() -> None:
    assert edited("ä = 1 + 2\n", 7, 8, "-") == "ä = 1 - 2\n"
