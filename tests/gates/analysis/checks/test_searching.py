"""A loop that must find something is a check; one that gives up quietly is none."""

from __future__ import annotations

import pytest

from tests.gates.analysis.checks.told import told


@pytest.mark.parametrize(
    "body",
    [
        "for x in g():\n        if x == 2:\n            break\n    else:\n        pytest.fail('none')",
        "for x in g():\n        if x == 2:\n            return\n    raise AssertionError('none')",
        "for x in g():\n        if x == 2:\n            break\n    else:\n        raise AssertionError('none')",
    ],
)
def test_what_a_loop_must_find_is_checked(body: str) -> None:
    assert told(f"def test_f():\n    {body}\n") == ["each(g()) equal 2"]


def test_what_a_helper_waits_for_is_checked_with_its_argument() -> None:
    helper = "def wait(condition):\n    while not condition():\n        tries()\n        if late():\n            pytest.fail()\n"
    assert "job.items equal ['a']" in told(f"def test_f():\n    wait(lambda: job.items == ['a'])\n{helper}")


@pytest.mark.parametrize(
    "body",
    [
        "for x in g():\n        if x == 2:\n            break",
        "for x in g():\n        if x == 2:\n            return\n    return",
        "while g():\n        step()",
    ],
)
def test_a_loop_that_gives_up_quietly_checks_nothing(body: str) -> None:
    assert told(f"def test_f():\n    {body}\n") == []
