"""What a worker cannot send does not end the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.processes.serialization import cleaned

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain ß", "plain ß", id="a text without surrogates stays"),
        pytest.param("a\udcffb", "a\\udcffb", id="a lone surrogate becomes a visible escape"),
        pytest.param({"k\ud800": ["\udfff", 1, None]}, {"k\\ud800": ["\\udfff", 1, None]}, id="in keys and lists, too"),
        pytest.param(("\udc80",), ("\\udc80",), id="a tuple stays a tuple"),
    ],
)
def test_texts_become_sendable(value: object, expected: object) -> None:
    assert cleaned(value) == expected


@pytest.mark.parametrize("workers", [pytest.param((), id="alone"), pytest.param(("-n", "1"), id="xdist")])
def test_a_lone_surrogate_in_an_assertion_costs_one_test(project: Project, workers: tuple[str, ...]) -> None:
    project.write(
        test_a=r"""
        def test_before(): pass
        def test_surrogate(): assert "\udcff" == "x", "\udc80 is no character"
        def test_after(): pass
    """
    )
    ran = project.injected(*workers)
    assert ran.outcomes == {"test_before": "passed", "test_surrogate": "failed", "test_after": "passed"}
    assert ran.of("finish")[-1]["exit_code"] == 1
