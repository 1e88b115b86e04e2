from __future__ import annotations

import pytest

from gates.portable.errors import (
    ConfigError,
    EnvironmentProblem,
    GatesError,
    ManyErrors,
    NothingSelected,
    UsageError,
)
from gates.portable.values import ExitCode


def test_an_error_shows_its_place_and_only_the_fields_that_it_has() -> None:
    assert str(GatesError("wrong")) == "wrong"
    assert str(GatesError("wrong", place="a.toml:3")) == "a.toml:3: wrong"
    assert str(GatesError("wrong", expected="a", got="b", remedy="c")) == "wrong\n  expected: a\n  got: b\n  hint: c"
    assert str(GatesError("wrong", remedy="c")) == "wrong\n  hint: c"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (GatesError, ExitCode.USAGE),
        (UsageError, ExitCode.USAGE),
        (ConfigError, ExitCode.USAGE),
        (EnvironmentProblem, ExitCode.COULD_NOT_RUN),
        (NothingSelected, ExitCode.NOTHING_SELECTED),
    ],
)
def test_the_kind_of_an_error_is_its_exit_code(kind: type[GatesError], code: ExitCode) -> None:
    assert kind("wrong").exit_code is code


def test_many_errors_are_shown_one_below_the_other() -> None:
    many = ManyErrors((ConfigError("one", place="a:1"), ConfigError("two", remedy="look")))
    assert str(many) == "a:1: one\ntwo\n  hint: look"


def test_many_errors_end_the_program_as_their_worst_does() -> None:
    many = ManyErrors((NothingSelected("none"), EnvironmentProblem("no git"), UsageError("what?")))
    assert many.exit_code is ExitCode.USAGE
    assert ManyErrors(()).exit_code is ExitCode.USAGE
