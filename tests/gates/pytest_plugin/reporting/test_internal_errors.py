"""Where pytest itself cannot go on, the file and the error are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

MISSING = "ModuleNotFoundError: No module named 'pretend'"
HOOKS = {
    "pytest_configure(config)": "raise OSError('no disk')",
    "pytest_sessionstart(session)": "raise OSError('no disk')",
    "pytest_collection_modifyitems(items)": "raise OSError('no disk')",
}


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("tests/conftest.py", "import os\nimport pretend\n", f"tests/conftest.py:2: {MISSING}"),
        ("conftest.py", "import pretend\n", f"conftest.py:1: {MISSING}"),
        ("tests/conftest.py", "x = 1\ndef f(:\n", "tests/conftest.py:2: SyntaxError: invalid syntax"),
        ("tests/conftest.py", "import sys\nsys.exit(0)\n", "tests/conftest.py:2: SystemExit: 0"),
        ("tests/conftest.py", "import pytest\npytest.exit('no database')\n", "tests/conftest.py:2: Exit: no database"),
        ("tests/test_exit.py", "import sys\nsys.exit(3)\n", "tests/test_exit.py:2: SystemExit: 3"),
        *(
            ("tests/conftest.py", f"def {hook}:\n    {body}\n", "tests/conftest.py:2: OSError: no disk")
            for hook, body in HOOKS.items()
        ),
    ],
)
def test_the_place_and_the_error_are_recorded(project: Project, file: str, text: str, said: str) -> None:
    project.write_file("tests/test_it.py", "def test_it():\n    pass\n")
    project.write_file(file, text)
    ran = project.injected("tests")
    assert {record["message"] for record in ran.of("trouble")} == {said}


def test_a_module_that_cannot_be_imported_is_no_trouble_of_pytests(project: Project) -> None:
    project.write_file("tests/test_it.py", "import pretend\n")
    assert project.injected("tests").of("trouble") == []
