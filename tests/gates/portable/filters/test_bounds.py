"""No pattern of a user takes for ever, and the one that would is named."""

from __future__ import annotations

import pickle
import re
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from gates.analysis.owners import parse_owners
from gates.portable.filters import Candidate, bounds, compile_filter
from gates.portable.filters.bounds import BoundedPattern, TooSlow, bounded
from gates.portable.filters.globs import path_pattern
from gates.portable.values import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

FORTY = Candidate(f"test_it.py::test_{'a' * 40}")
FOLDERS = "/".join("a" * 60)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.02)


@pytest.mark.parametrize(
    "expression",
    [
        "test(/(.*a){30}b/)",
        "name(/(a+)+b/)",
        "name(/(a|a)*b/)",
        f"name(#{'*a' * 20}b)",
        f"file(#{'**/a/' * 20}b)",
        "class(/(A+)+b/)",
        "not test(/(.*a){30}b/)",
    ],
)
def test_a_pattern_that_would_take_for_ever_is_an_error_that_names_the_predicate(expression: str) -> None:
    test = Candidate(f"{FOLDERS}/test_it.py::Test{'A' * 40}::test_{'a' * 40}")
    with pytest.raises(TooSlow) as caught:
        compile_filter(expression).select([test])
    named = expression.removeprefix("not ").replace("file(#", "file(")  # a glob, unless something else is said
    assert str(caught.value).startswith(f"{named} takes too long to match\n  expected: ")
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("expression", ["test(/(.*a){3}/)", "name(#test_*a*)", r"test(/^test_it\.py::.*a$/)"])
def test_usual_patterns_answer(expression: str) -> None:
    assert compile_filter(expression).select([FORTY]).matched == (True,)


@pytest.mark.parametrize(
    "matches",
    [
        lambda: path_pattern("**/a/" * 20 + "b").match(FOLDERS),
        lambda: path_pattern("*a" * 20 + "b").match("a" * 255),
        lambda: parse_owners(f"/{'*a' * 20}b @me\n", "CODEOWNERS").of("a" * 255),
    ],
    ids=["folders", "names", "owners"],
)
def test_globs_of_configs_are_bounded(matches: Callable[[], object]) -> None:
    with pytest.raises(TooSlow, match="takes too long"):
        matches()


def test_a_harmless_pattern_needs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bounds, "bounded", None)
        assert path_pattern("src/**").match("src/a/b.py")
        assert BoundedPattern(re.compile("a"), "a").match("ab")


def test_the_timer_of_somebody_else_goes_on() -> None:
    def theirs(*_: object) -> None:
        """Never called here."""

    before = signal.signal(signal.SIGVTALRM, theirs)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 1000.0, 7.0)
        with bounded("x"):
            assert signal.getsignal(signal.SIGVTALRM) is not theirs
        assert signal.getsignal(signal.SIGVTALRM) is theirs
        left, interval = signal.getitimer(signal.ITIMER_VIRTUAL)
        assert 900 < left < 1001
        assert interval == 7.0
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_a_thread_matches_without_a_bound() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(compile_filter("test(/a+/)").matches(FORTY)))
    thread.start()
    thread.join()
    assert found == [True]
