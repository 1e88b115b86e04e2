"""The predicates of the language: one table that parser, compiler, hints and documentation read."""

from __future__ import annotations

from ..quick_dataclass import dataclass

MANY = 1000
"""Means "any number" of arguments."""

KINDS = ("function", "method", "doctest", "subtest", "other")
"""Kinds of tests. A subtest appears only in results: pytest learns of it while its test runs."""


@dataclass(frozen=True)
class PredicateForm:
    """The form and the properties of a predicate.

    Attributes:
        name: as in an expression.
        example: a valid call, for hints.
        about: what it selects, in a few words.
        arguments: how an argument is read: `none`, `text` (with a matcher), `name` (a word without a matcher), or
            `duration`.
        default: the matcher of an argument without a prefix.
        most: how many arguments it takes.
        keyed: which arguments are written `key=matcher`: `no`, `may`, or `rest` (all but the first).
        choices: words that an exact argument may be; empty for any.
        nested: predicates that may replace the text.
        must_exist: an argument that matches nothing is an error, because it is meant to name something that exists.
        outside: it needs history, git, imports or a base.
    """

    name: str
    example: str
    about: str
    arguments: str = "text"
    default: str = "#"
    most: int = 1
    keyed: str = "no"
    choices: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    must_exist: bool = False
    outside: bool = False

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return 0 if self.arguments == "none" else 1


def _outside(name: str, example: str, about: str, arguments: str = "name", default: str = "=") -> PredicateForm:
    return PredicateForm(name, example, about, arguments, default, outside=True)


PREDICATES = {
    form.name: form
    for form in (
        PredicateForm("all", "all()", "every test", "none"),
        PredicateForm("none", "none()", "no test", "none"),
        PredicateForm("default", "default()", "what the profile's filter selects", "none"),
        PredicateForm("test", "test(cache)", "tests by their full id", default="~"),
        PredicateForm("name", "name(=test_hit)", "tests by the function's own name", default="~"),
        PredicateForm("file", "file(tests/unit/**)", "tests by the path of their file", must_exist=True),
        PredicateForm(
            "binary", "binary(test_pool)", "tests by their file's name, without folders and `.py`", must_exist=True
        ),
        PredicateForm(
            "binary_id", "binary_id(tests/test_pool.py)", "tests by their file's whole path", must_exist=True
        ),
        PredicateForm("module", "module(tests.unit.*)", "tests by the dotted name of their module", must_exist=True),
        PredicateForm(
            "package", "package(tests.unit)", "tests by a package that contains their module", must_exist=True
        ),
        PredicateForm("class", "class(TestPool)", "tests by a class that contains them"),
        PredicateForm("kind", "kind(doctest)", "functions, methods, doctests, subtests", default="=", choices=KINDS),
        PredicateForm(
            "mark",
            "mark(slow, reason=~network)",
            "tests by a marker and its values",
            most=MANY,
            keyed="rest",
            must_exist=True,
        ),
        PredicateForm("param", "param(size=3)", "tests by a parameter, or by all of them", most=MANY, keyed="may"),
        PredicateForm("fixture", "fixture(database)", "tests that use a fixture, directly or not"),
        PredicateForm("docstring", "docstring(issue 12)", "tests by their docstring", default="~"),
        PredicateForm("group", "group(database)", "tests by their group", must_exist=True),
        PredicateForm("platform", "platform(linux)", "every test, on a platform with this name"),
        PredicateForm("owner", "owner(@team)", "tests by the owner of their file (CODEOWNERS)", outside=True),
        PredicateForm(
            "deps",
            "deps(tests.helpers)",
            "tests whose modules a module imports, through any path",
            nested=("changed",),
            must_exist=True,
            outside=True,
        ),
        PredicateForm(
            "rdeps",
            "rdeps(kvcache.memory.allocator)",
            "tests that import a module, through any path",
            nested=("changed",),
            must_exist=True,
            outside=True,
        ),
        _outside("changed", "changed(base)", "tests whose own code differs from a base"),
        _outside("new", "new(base)", "tests that a base does not have"),
        _outside("failed", "failed(last)", "tests that failed in the last run, or on a base"),
        _outside("flaky", "flaky()", "tests that failed and then passed in one run", "none"),
        _outside("slow", "slow(>1s)", "tests by how long they took last time", "duration", ">"),
        PredicateForm("quarantined", "quarantined()", "tests in the quarantine", "none"),
    )
}
