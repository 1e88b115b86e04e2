from __future__ import annotations

import io

from gates.compare.inputs import RegressionPolicy, SourceChanges
from gates.compare.runs import compare_runs
from gates.compare.values import Comparison
from gates.render.github import render_github
from gates.render.markdown import render_markdown
from gates.render.size_limit import MOST
from gates.render.terminal import render_terminal, terminal_console
from gates.results import SettingChange, Weakening
from tests.gates.readers.junit.sample import a_run, a_test

BROADER = Weakening(
    rule="broader-exception", what="it accepts a broader exception", path="tests/test_a.py", line=7, test="tests/test_a.py::t",
    before="with raises(ValueError):", after="with raises(Exception):", mutant="-    raise ValueError\n+    raise TypeError",
)  # fmt: skip
HINT = Weakening(
    rule="fewer-checks",
    what="it checks fewer things",
    path="tests/test_a.py",
    test="tests/test_a.py::u",
    strength="hint",
)
ACCEPTED = Weakening(rule="constant-truth", what="it is always true", path="tests/test_a.py", test="tests/test_a.py::v")
RETRIES = SettingChange(tool="gates", key="retries", path="pyproject.toml", line=4, before="0", after="5", direction="weaker", what="failing tests are run up to 5 more times")  # fmt: skip
RUN, TESTS = a_run([a_test()]), [a_test()]


def compared(*found: Weakening, settings: tuple[SettingChange, ...] = ()) -> Comparison:
    policy = RegressionPolicy(accepted_weakenings={ACCEPTED.id: "a `reason`"})
    return compare_runs(
        RUN, TESTS, RUN, TESTS, policy=policy, sources=SourceChanges(weakenings=found, settings=settings)
    )


def shown(comparison: Comparison) -> str:
    stream = io.StringIO()
    render_terminal(RUN, TESTS, terminal_console(stream), comparison)
    return stream.getvalue()


def test_a_terminal_shows_what_got_weaker_first_with_both_texts_and_the_mutant() -> None:
    text = shown(compared(HINT, BROADER, ACCEPTED, settings=(RETRIES,)))
    assert text.startswith(
        f"""Weaker than on the base (3):
  tests/test_a.py::t (tests/test_a.py:7): it accepts a broader exception [{BROADER.id}]
    - with raises(ValueError):
    + with raises(Exception):
    Only the base's test finds this fault:
      -    raise ValueError
      +    raise TypeError
  pyproject.toml:4: failing tests are run up to 5 more times [{RETRIES.weakening.id}]
    - retries = 0
    + retries = 5
  tests/test_a.py::v: it is always true [{ACCEPTED.id}]
    Accepted: a `reason`

Perhaps weaker (hints, which fail nothing) (1):
  tests/test_a.py::u: it checks fewer things [{HINT.id}]
  To accept one, say why: --accept-weakened ID=REASON
"""
    )
    assert "REGRESSION: Against " in text
    assert "1 checking less, 1 weaker setting, 1 weaker, accepted" in text


def test_hints_alone_are_no_regression_and_open_no_box() -> None:
    comparison = compared(HINT)
    assert "REGRESSION" not in shown(comparison)
    assert "- [x] Nothing checks less than on the base" in render_markdown(RUN, TESTS, comparison)


def test_markdown_shows_it_before_everything_else() -> None:
    text = render_markdown(RUN, TESTS, compared(BROADER, ACCEPTED))
    weaker, gates = text.index("## Weaker than on the base"), text.index("## Gates")
    assert weaker < gates
    assert "  ```diff\n  - with raises(ValueError):\n  + with raises(Exception):\n  ```" in text
    assert "accepted: a \\`reason\\`)" in text
    assert "- [ ] Nothing checks less than on the base" in text


def test_every_finding_is_named_however_little_room_there_is() -> None:
    many = [
        Weakening(
            rule="check-gone", what="it no longer checks this", path="a.py", test=f"a.py::t{number}", before="x" * 2000
        )
        for number in range(300)
    ]
    text = render_markdown(RUN, TESTS, compared(*many))
    assert len(text.encode()) <= MOST
    assert text.count("it no longer checks this") == len(many)


def test_annotations_name_it_first_at_its_place() -> None:
    lines = render_github(RUN, TESTS, compared(HINT, BROADER, ACCEPTED)).splitlines()
    assert lines[0].startswith("::error file=tests/test_a.py,line=7,title=weaker%3A tests/test_a.py%3A%3At")
    assert "before: with raises(ValueError):%0Aafter: with raises(Exception):%0Aonly the base's test" in lines[0]
    assert lines[1].startswith("::warning file=tests/test_a.py,title=perhaps weaker")
    assert len(lines) == 3
