"""An error of ours where tests are collected fails the session, with workers and without, and runs no test."""

from __future__ import annotations

import pytest

from tests.gates.pytest_plugin.conftest import Project, entry

SLOW = "test(/(.*a){30}b/)"
FILES = {
    "conftest": "import _gates_injected.portable.filters.bounds as bounds\nbounds.SECONDS = 0.01\n",
    "test_it": f"def test_{'a' * 40}(): open('ran', 'w')\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize(
    "settings",
    [
        {"filter": SLOW},
        {"exclusions": [entry("slow", filter=SLOW)]},
        {"rules": [{"source": "gates.toml:3", "filter": SLOW, "settings": {"retries": {"count": 1}}}]},
    ],
    ids=["filter", "exclusion", "override"],
)
def test_a_pattern_that_takes_too_long_is_an_error_of_the_collection(
    project: Project, arguments: tuple[str, ...], settings: dict[str, object]
) -> None:
    project.write(**FILES)
    ran = project.injected(*arguments, settings=settings)
    assert ran.exit_code in (1, 2)
    assert "ERROR collecting gates" in ran.output
    assert f"{SLOW} takes too long to match" in ran.output
    assert "Traceback" not in ran.output
    assert not (project.root / "ran").exists()
    assert {record["id"] for record in ran.of("collect-error")} == {"gates"}
    assert {record["exit_code"] for record in ran.of("finish")} == {ran.exit_code}
    assert not ran.of("left-out")
