"""What a JUnit file says, as values, and how its cases are called."""

from __future__ import annotations

import msgspec

from gates.results import TestResult

PYTEST = "pytest"
"""Producer whose dialect is known: see `JUnitReport.producer`."""


GATES_SUITE = "gates"
"""Name of the suite of our own files that holds a case per gate, and the `classname` of these."""

OWN_MARK = ("written-by", "gates: a case per gate, version 1")
"""Property of that suite. A crate or a package may be called `gates`, too; nobody else writes this."""


class JUnitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file.

    Attributes:
        results: of its cases, in the order of the file. Equal ids became `#2`, `#3`, …, so that no case hides another;
            `gate` is what the reader was told, else what our own files say, else empty.
        gates: those that one of our own files names, where the reader was told no gate; they are no tests.
        contradictions: what keeps the file from being believed when it is green: counts in attributes that the elements
            do not bear out where that could hide a failure or a lost test, errors of a suite itself, `status="failed"`
            on a case without a result, no case at all.
        notes: harmless oddities, for people.
        producer: `pytest`, `nextest`, …; empty where unknown.
    """

    results: tuple[TestResult, ...]
    gates: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    producer: str = ""

    @property
    def consistent(self) -> bool:
        """Whether the file may be believed when it is green. An inconsistent file is never a pass."""
        return not self.contradictions


def id_prefix(classname: str, file: str, suite: str) -> str:
    """What stands before the name of a case in its id: of pytest's node id where file and class agree, else the class.

    Args:
        classname: as written; runners put a module, a class, a package or a binary there.
        file: of the case, or of its suite.
        suite: name of the innermost suite around it.
    """
    module = module_name(file)
    if module and (classname == module or classname.startswith(f"{module}.")):
        classes = classname.removeprefix(module).strip(".")
        parts = (file, *(classes.split(".") if classes else ()))
        return "".join(f"{part}::" for part in parts)
    where = classname or file or suite
    return f"{where}::" if where else ""


def module_name(file: str) -> str:
    """The dotted name that pytest writes for a file: `tests/a_test.py` → `tests.a_test`."""
    return file.removesuffix(".py").replace("/", ".").strip(".")


def split_id(test_id: str, file: str) -> tuple[str, str]:
    """`(name, classname)` of a node id, as pytest writes them: `tests/a_test.py::C::t[x]` → `t[x]`, `tests.a_test.C`.

    A parameter may hold `::`, so only what stands before the first `[` is split.
    """
    inside = bool(file) and test_id.startswith(f"{file}::")
    rest = test_id.removeprefix(f"{file}::") if inside else test_id
    head, bracket, parameters = rest.partition("[")
    *classes, name = head.split("::")
    return name + bracket + parameters or test_id, ".".join(part for part in (module_name(file), *classes) if part)
