"""A branch that weakens a setting is a regression, and the summary says which."""

from __future__ import annotations

import pytest

from tests.integration.project import Project, checklist, pytest_gate, python_gate

TESTS = "def test_fine(): assert 1 + 1 == 2\n"
GATES = (pytest_gate(), python_gate("other", "-c", "pass"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The base is committed, so that it is run once."""
    folder = tmp_path_factory.mktemp("settings")
    project = Project(folder / "project", folder / "cache")
    project.write({"test_a.py": TESTS, ".gitignore": "__pycache__\nreports\n"} | checklist(*GATES))
    project.commit()
    return project


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "gates", "code", "words"),
    [
        ('no-tests = "pass"', GATES, 5, "no-tests to pass instead of fail"),
        ("[tests]\nretries = 5\n", GATES, 5, "retries to 5 instead of 0"),
        ("", GATES[:1], 5, "the gate other"),
        ('no-tests = "fail"  # as before', GATES, 0, ""),
    ],
)
def test_a_weaker_setting_is_a_regression(
    base: Project, config: str, gates: tuple[str, ...], code: int, words: str
) -> None:
    base.write(checklist(*gates, config=config))
    done = base.gates("compare", "main")
    assert done.code == code, done.text
    found = base.json("comparison.json")
    weaker = [change["what"] for change in found.get("settings", ()) if change["direction"] == "weaker"]
    assert len(weaker) == bool(words)
    assert words in "".join(weaker)
    assert words in (base.reports / "summary.md").read_text()


@pytest.mark.slow
def test_a_base_that_borrows_the_checklist_has_lost_nothing(project: Project) -> None:
    project.write({"test_a.py": TESTS, ".gitignore": "__pycache__\nreports\n"})
    project.commit()
    project.write(checklist(*GATES, config='no-tests = "warn"'))
    done = project.gates("compare", "main")
    assert done.code == 0, done.text
    assert not project.json("comparison.json")["weakenings"]
