"""The meaning of each predicate: predicate → column of answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Callable, Optional

from ..quick_dataclass import dataclass
from . import columns
from .bounds import bounded
from .candidates import UNKNOWN_VALUE
from .matchers import compile_matcher, compile_path_matcher
from .predicates import PREDICATES
from .printing import to_text

if TYPE_CHECKING:
    from .candidate import Candidate, Mark
    from .candidates import Candidates, Groups
    from .columns import Column
    from .matchers import TextTest
    from .nodes import Matcher, Predicate
    from .resolution import Answer, Facts, Resolution

Names = Optional[tuple[str, ...]]
PATTERNS = ("/", "#")
"""Kinds of matchers that backtrack: regular expressions and globs."""


@dataclass(frozen=True)
class LeafQuestion:
    """A compiled predicate.

    Attributes:
        predicate: as in the expression.
        text: its canonical form.
        column: the answers for some tests.
        why: the reason why the answer for a test is unknown.
        names: what the predicate could name in these tests, for "did you mean".
        note: a note that is shown for any answer.
        missing: what the predicate names but does not exist, if that is known without the tests.
    """

    predicate: Predicate
    text: str
    column: Callable[[Candidates], Column]
    why: Callable[[Candidate], str] = lambda _: ""
    names: Callable[[Candidate], Iterable[str]] = lambda _: ()
    note: str = ""
    missing: str = ""


def _one(value: Optional[str]) -> Names:
    return None if value is None else (value,) if value else ()


def _file(test: Candidate) -> Names:
    """A file may be named from the root of the tests, or from that of the project."""
    if not test.placed:
        return None
    return (test.file,) if not test.above else (test.file, test.path)


def _classes(test: Candidate) -> Names:
    if not test.placed:  # then classes and modules cannot be distinguished
        return None
    classes = test.names.classes
    # Each class that contains it, and its full name: `TestOuter::TestInner`.
    return (*classes, "::".join(classes)) if len(classes) > 1 else classes


def _packages(test: Candidate) -> Names:
    """Packages that contain the module, and folders that contain the file: they differ if a folder is not a package."""
    folders = test.file.split("/")[:-1] if test.placed else []
    module = (test.module or "").split(".")[:-1]
    both = (".".join(parts[: length + 1]) for parts in (module, folders) for length in range(len(parts)))
    return tuple(dict.fromkeys(both))


def _stem(test: Candidate) -> Names:
    if not test.placed:
        return None
    name = test.file.rpartition("/")[2]
    return (name.removesuffix(".py"),)


def _paths(test: Candidate) -> Iterator[str]:
    """The file, and the folders that contain it, which the predicate may also name."""
    parts = test.file.split("/")
    return ("/".join(parts[: length + 1]) for length in range(len(parts)))


def _params(test: Candidate) -> Names:
    param = test.names.param
    return (param,) if param else ()


SUBJECTS: dict[str, tuple[Callable[[Candidate], Names], str]] = {
    "test": (lambda test: (test.id,), ""),
    "name": (lambda test: (test.names.name,), ""),
    "file": (_file, "its file"),
    "binary": (_stem, "its file"),
    "binary_id": (_file, "its file"),
    "module": (lambda test: _one(test.module), "its module"),
    "package": (_packages, "its module"),
    "class": (_classes, "its file"),
    "kind": (lambda test: _one(test.kind), "what kind of test it is"),
    "param": (_params, "its parameters"),
    "fixture": (lambda test: test.fixtures, "its fixtures"),
    "docstring": (lambda test: None if test.docstring is None else (test.docstring,), "its docstring"),
    "group": (lambda test: test.group, "its group"),
    "platform": (lambda test: test.platform, "the platform it ran on"),
    "mark": (
        lambda test: None if test.marks is None else tuple(mark.name for mark in test.marks),
        "its markers",
    ),
}
"""Predicate → the part of a test that its argument is compared with (any of several may match), and what is unknown without it."""


def leaf_of(predicate: Predicate, facts: Facts) -> LeafQuestion:
    """The meaning of a predicate."""
    text = to_text(predicate)
    if predicate.name in ("all", "none"):
        value = columns.YES if predicate.name == "all" else columns.NO
        return LeafQuestion(predicate, text, lambda tests: bytes((value,)) * len(tests))
    if PREDICATES[predicate.name].outside:
        return _outside(predicate, text, facts.resolve(predicate))
    subject, lacking = SUBJECTS[predicate.name]
    column = _column(predicate)
    if any(matcher.kind in PATTERNS for matcher in predicate.matchers):
        column = _bounded(text, column)
    if predicate.name == "file":
        return LeafQuestion(predicate, text, column, lambda _: "its file cannot be known here", _paths)
    why = f"{lacking} cannot be known here" if lacking else ""
    return LeafQuestion(predicate, text, column, lambda _: why, lambda test: subject(test) or ())


def _outside(predicate: Predicate, text: str, resolution: Resolution) -> LeafQuestion:
    def column(tests: Candidates) -> Column:
        return columns.of_answers(
            resolution.answer(test.recorded or test.id, test.above + test.names.function, test.path) for test in tests
        )

    return LeafQuestion(
        predicate, text, column, lambda _: resolution.why, note=resolution.note, missing=resolution.missing
    )


def _bounded(text: str, column: Callable[[Candidates], Column]) -> Callable[[Candidates], Column]:
    def answers(tests: Candidates) -> Column:
        with bounded(text, len(tests)):
            return column(tests)

    return answers


def _column(predicate: Predicate) -> Callable[[Candidates], Column]:
    name, matchers = predicate.name, predicate.matchers
    if name == "test":
        text, matches = matchers[0].text, compile_matcher(matchers[0])
        if matchers[0].kind == "~":  # by far the most common one: no call for each test
            return lambda tests: columns.of_bools([text in name for name in tests.ids])
        return lambda tests: columns.of_bools(map(matches, tests.ids))
    if name == "mark":
        holds = _mark_test(matchers)
        return lambda tests: _by_group(
            tests.marked, lambda test: None if test.marks is None else any(map(holds, test.marks))
        )
    if name == "group":
        matches = compile_matcher(matchers[0])
        return lambda tests: _by_group(
            tests.marked, lambda test: None if test.group is None else any(map(matches, test.group))
        )
    if name == "param":
        asked = [(matcher.key, compile_matcher(matcher)) for matcher in matchers]
        return lambda tests: _param_column(tests, asked)
    matches = compile_path_matcher(matchers[0]) if name in ("file", "binary_id") else compile_matcher(matchers[0])
    subject = SUBJECTS[name][0]

    def of_function(test: Candidate) -> Answer:
        names = subject(test)
        if names is None or (name == "package" and test.module is None and not any(map(matches, names))):
            return None  # the folders of a package are known, but not the name under which it was imported
        return any(map(matches, names))

    return lambda tests: _by_group(tests.functions, of_function)


def _by_group(groups: Groups, ask: Callable[[Candidate], Answer]) -> Column:
    """Evaluate one test of each group."""
    answers = columns.of_answers(map(ask, groups.members))
    return answers if isinstance(groups.of, range) else bytes(map(answers.__getitem__, groups.of))


MarkTest = Callable[["Mark"], bool]


def _mark_test(matchers: Sequence[Matcher]) -> MarkTest:
    name = compile_matcher(matchers[0])
    values = [(matcher.key, compile_matcher(matcher)) for matcher in matchers[1:]]

    def holds(mark: Mark) -> bool:
        if not name(mark.name):
            return False
        found = ((mark.value(key), matches) for key, matches in values)
        return all(value is not None and matches(value) for value, matches in found)

    return holds


def _param_column(tests: Candidates, asked: Sequence[tuple[str, TextTest]]) -> Column:
    """Whether each parameter, or all of them as in the id, matches."""
    found = []
    for key, matches in asked:
        known: dict[object, int] = {
            None: columns.NO,
            UNKNOWN_VALUE: columns.UNKNOWN,
        }  # most values are repeated

        def value(text: object, known: dict[object, int] = known, matches: TextTest = matches) -> int:
            answer = known.get(text)
            if answer is None:
                answer = known[text] = columns.YES if matches(str(text)) else columns.NO
            return answer

        found.append(bytes(map(value, tests.param_values(key))))
    return columns.both(found)
