"""A profile of Hypothesis that tries fewer examples than before is found."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

FRONT = "import os\nfrom hypothesis import settings\n"
MANY = f"{FRONT}settings.register_profile('a', max_examples=300)\nsettings.load_profile('a')\n"


@pytest.mark.parametrize(
    ("before", "after", "strengths"),
    [
        (MANY, MANY.replace("300", "5"), ["certain"]),
        (MANY, MANY.replace("300", "200"), ["hint"]),
        (MANY, MANY.replace("300", "400"), []),
        ("", MANY.replace("300", "5"), ["certain"]),
        (MANY, MANY.replace("'a', max", "'a', settings(deadline=None), max"), []),
        (MANY, MANY.replace("load_profile('a')", "load_profile('b')").replace("300)\n", "300)\nsettings.register_profile('b', max_examples=2)\n"), ["certain"]),
        (MANY, MANY.replace("load_profile('a')", "load_profile(os.getenv('P', 'b'))").replace("300)\n", "300)\nsettings.register_profile('b', max_examples=2)\n"), ["hint"]),
        (MANY, MANY.replace("load_profile('a')", "load_profile('b')").replace("300)\n", "300)\nsettings.register_profile('b', parent=settings.get_profile('a'))\n"), []),
        (MANY.replace("300", "5"), f"{FRONT}settings.register_profile('a', max_examples=5)\n", []),
    ],
    ids=["few", "fewer", "more", "new", "another setting", "another profile", "by a variable", "with a parent", "not loaded"],
)  # fmt: skip
def test_what_a_profile_tries_is_compared(before: str, after: str, strengths: list[str]) -> None:
    found = weaker_checks({"tests/conftest.py": before}, {"tests/conftest.py": after})
    assert [one.strength for one in found.weakenings] == strengths
