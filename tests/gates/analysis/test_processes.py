from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gates.analysis.sample import dependencies, imports_of

if TYPE_CHECKING:
    from pathlib import Path

STARTING = {
    "import subprocess": True,
    "from subprocess import run": True,
    "def test():\n    import subprocess": True,
    "import pexpect": True,
    "import os\nos.system('make')": True,
    "import os\nos.execv('make', [])": True,
    "import os\nos.posix_spawnp('make', [], {})": True,
    "from os import spawnl": True,
    "import asyncio\nasyncio.create_subprocess_exec('make')": True,
    "def test(pytester): ...": True,
    "def test(testdir): ...": True,
    "import pytest\n@pytest.mark.usefixtures('pytester')\ndef test(): ...": True,
    "import os\nos.environ['A'] = 'subprocess is not imported'": False,
    "import platform\nplatform.system()": False,
    "# subprocess": False,
}


@pytest.mark.parametrize(("text", "yes"), STARTING.items())
def test_a_test_that_can_start_processes_depends_on_everything(tmp_path: Path, text: str, yes: bool) -> None:
    imports = imports_of(tmp_path, {"pool.py": "", "tests/test_it.py": text, "tests/test_no.py": ""})
    reach = imports.importers(lambda name: name == "pool")
    assert reach.files == ({"tests/test_it.py"} if yes else set())
    assert len(reach.notes) == yes


CONFTESTS = {
    "in a fixture that is asked for": (
        "import subprocess\n@fixture\ndef program(): subprocess.run('make')",
        {"asks", "marks"},
    ),
    "in a fixture of another name": (
        "import subprocess\n@fixture(name='program')\ndef _program(): subprocess.run('make')",
        {"asks", "marks"},
    ),
    "in a function that a fixture calls": (
        "import subprocess\ndef run(): subprocess.run('make')\n@fixture\ndef program(): run()",
        {"asks", "marks"},
    ),
    "in a fixture that a fixture asks for": (
        "def program(made): ...\ndef made(pytester): ...",
        {"asks", "marks"},
    ),
    "in a helper that a fixture uses": (
        "from tests.helper import Helper\n@fixture\ndef program(): return Helper()",
        {"asks", "marks", "helps"},
    ),
    "in a fixture for all": (
        "import subprocess\n@fixture(autouse=True)\ndef program(): subprocess.run('make')",
        {"asks", "marks", "not"},
    ),
    "in a hook": (
        "import subprocess\ndef pytest_configure(): subprocess.run('make')",
        {"asks", "marks", "not"},
    ),
    "when it is imported": (
        "import subprocess\nVERSION = subprocess.check_output('make')",
        {"asks", "marks", "not"},
    ),
    "when its helper is imported": (
        "import tests.eager",
        {"asks", "marks", "not"},
    ),
    "in a plugin": (
        "pytest_plugins = ['tests.helper']",
        {"asks", "marks", "not", "helps"},
    ),
    "never": (
        "pytest_plugins = ['pytester']\nif TYPE_CHECKING:\n    Program = subprocess.Popen\n@fixture\ndef program(): ...",
        set(),
    ),
}


@pytest.mark.parametrize(("conftest", "names"), CONFTESTS.values(), ids=CONFTESTS)
def test_what_a_conftest_starts_concerns_the_tests_that_ask_for_it(
    tmp_path: Path, conftest: str, names: set[str]
) -> None:
    files = {
        "tests/conftest.py": conftest,
        "tests/unit/test_asks.py": "def test(program): ...",
        "tests/unit/test_marks.py": "@usefixtures('program')\ndef test(): ...",
        "tests/unit/test_not.py": "def test(): ...",
        "checks/test_other.py": "def test(program): ...",
    }
    if "tests." in conftest:
        files["tests/helper.py"] = "import subprocess\nclass Helper: ..." if "helper" in conftest else ""
        files["tests/eager.py"] = "import subprocess\nsubprocess.run('make')" if "eager" in conftest else ""
    if "helps" in names:
        files["tests/unit/test_helps.py"] = "from tests.helper import Helper"
    imports = imports_of(tmp_path, files)
    assert imports.starting & imports.layout.tests == {f"tests/unit/test_{name}.py" for name in names}


def test_the_dependencies_of_a_test_that_asks_for_no_process_are_known(tmp_path: Path) -> None:
    files = {
        "tests/conftest.py": "from tests.helper import Helper\ndef program(): return Helper()",
        "tests/helper.py": "import subprocess\nclass Helper: ...",
        "tests/test_asks.py": "def test(program): ...",
        "tests/test_not.py": "",
    }
    imports = imports_of(tmp_path, files)
    assert dependencies(imports, "tests.test_not") == {"tests/test_not.py"}
    assert dependencies(imports, "tests.test_asks") == {"tests/test_asks.py", "tests/test_not.py"}


def test_what_production_code_starts_is_not_the_tests_doing(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, {"pool.py": "import subprocess", "tests/test_it.py": "import pool"})
    assert not imports.wide
