"""What cannot be known is never called red or green, whatever ends a run leaves nothing behind, and only the change is missing."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.gates.run.waiting import wait_for
from tests.integration.project import Project, checklist, pytest_gate, python_gate
from tests.integration.test_red_green import BASE, FILE, begin, compare, findings

if TYPE_CHECKING:
    from collections.abc import Callable

FIXED = BASE["pool/core.py"].replace("/ len(values)", "/ len(values) if values else 0.0")
TESTS = BASE["tests/test_core.py"] + "\n        def test_no_values(): assert mean([]) == 0\n"
RED = {f"{FILE}test_no_values": "red"}

HANGS = """
        import os
        import time
        from pathlib import Path
        from pool.core import mean

        def test_hangs():
            try:
                mean([])
            except ZeroDivisionError:
                Path(os.environ["SEEN"]).write_text("")
                time.sleep(3600)
        """


@pytest.mark.slow
def test_what_is_not_known_is_neither_a_pass_nor_a_regression(project: Project) -> None:
    begin(project)
    needs = "import pytest\nfits = pytest.importorskip('pool.fits')\ndef test_fits(): assert fits\n"
    project.write({"pool/fits.py": "", "tests/test_fits.py": needs, "tests/test_core.py": TESTS, "pool/core.py": FIXED})
    done, found = compare(project, "--fail-on", "not-red")
    assert done.code == 3, done.text
    assert findings(found) == {**RED, "tests/test_fits.py::test_fits": "unknown"}
    assert found["unjudged"] == ["not-red"]
    assert not found["regression"]
    assert "NOT KNOWN: Against main" in done.out
    assert "tests/test_fits.py::test_fits: skipped without the change: could not import 'pool.fits'" in done.out


@pytest.mark.slow
def test_only_the_change_of_the_branch_is_missing_and_not_what_the_base_did_since(project: Project) -> None:
    begin(project, {**BASE, "tests/test_old.py": "def test_old(): assert [1, 2].count(1)\n"})
    project.write({"tests/test_core.py": TESTS, "pool/core.py": FIXED})
    project.commit()
    project.git("checkout", "--quiet", "main")
    # The base fixed the same thing, and removed a test that the branch still has.
    project.write({"tests/test_main.py": "def test_main(): pass\n", "pool/core.py": FIXED})
    project.git("rm", "--quiet", "tests/test_old.py")
    project.commit()
    project.git("checkout", "--quiet", "branch")
    _, found = compare(project, "--red-green", "--fail-on", "not-red")
    assert "tests/test_old.py::test_old" in found["tests"]["new"]
    assert findings(found) == RED

    # In the merge nothing of the branch is left but its test: the base has the change.
    done, found = compare(project, "merge:main", "--fail-on", "not-red")
    assert done.code == 0, done.text
    assert found["red_green"]["production"] is False
    assert "Red-green            - -> no code changed, so there is nothing to show" in done.out


@pytest.mark.slow
def test_settings_of_tests_come_with_them_and_several_gates_are_told_apart(project: Project) -> None:
    strict = "[tool.pytest.ini_options]\naddopts = '--strict-markers'\n"
    unit = {
        "unit/__init__.py": "",
        "unit/test_it.py": "import unittest\nfrom pool.core import mean\n",
    }
    gates = [
        pytest_gate("tests"),
        pytest_gate("tests", name="again"),
        python_gate("unit", "-m", "unittest", "unit.test_it"),
    ]
    project.write({**checklist(*gates[:2]), **BASE, **unit, "pyproject.toml": f"[project]\nname = 'pool'\n\n{strict}"})
    project.commit()
    project.git("checkout", "--quiet", "-b", "branch")
    case = "\nclass Case(unittest.TestCase):\n    def test_it(self): self.assertEqual(mean([]), 0)\n"
    marked = TESTS.replace("        def test_no", "        @pytest.mark.quick\n        def test_no")
    project.write({
        **checklist(*gates),
        "pyproject.toml": f"[project]\nname = 'other'\n\n{strict}markers = ['quick: it is']\n",
        "tests/test_core.py": marked.replace("        from pool", "        import pytest\n        from pool", 1),
        "unit/test_it.py": unit["unit/test_it.py"] + case,
        "pool/core.py": FIXED,
    })  # fmt: skip
    done, found = compare(project, "--red-green", "--all")
    new = {f"{gate}: {FILE}test_no_values": "red" for gate in ("test", "again")}
    assert findings(found) == new, done.text
    assert findings(found, "gate") == {"gate unit": "red"}
    assert "the tests of gate unit, taken together, fail without the change" in done.out
    assert sorted(found["red_green"]["settings"]) == ["gates.toml", "pyproject.toml"]


@pytest.mark.slow
def test_a_gate_whose_tests_are_read_from_files_runs_all_of_them(project: Project) -> None:
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=out.xml", "tests")
    gate = python_gate("unit", *command) + 'tests = "junit"\njunit = ["out.xml"]\n'
    ignored = {".gitignore": "__pycache__\nreports\nout.xml\n", "tests/__init__.py": ""}
    project.write({**BASE, **checklist(gate), **ignored})
    project.commit()
    more = "\n        def test_three(): assert mean([3]) == 3\n"
    project.write({"tests/test_core.py": TESTS + more, "pool/core.py": FIXED})
    done, found = compare(project, "--fail-on", "not-red")
    assert done.code == 5, done.text
    shown = {name.rpartition("::")[2].rpartition(".")[2]: finding for name, finding in findings(found).items()}
    assert shown == {"test_no_values": "red", "test_three": "green"}


@pytest.fixture
def hanging(project: Project) -> Project:
    begin(project)
    project.environment["SEEN"] = str(project.folder.parent / "seen")
    project.write({"tests/test_hangs.py": HANGS, "pool/core.py": FIXED})
    return project


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(("end", "code"), [(interrupt, 130), (kill, -signal.SIGKILL)])
def test_an_ended_run_shows_nothing_and_leaves_nothing(
    hanging: Project, end: Callable[[subprocess.Popen[str]], None], code: int
) -> None:
    before = hanging.git("for-each-ref"), hanging.git("status", "--porcelain")
    patience = "import gates.pipeline.red_green as r; r.LIMIT = 3600.0"
    with hanging.start("compare", "main", "--red-green", before=patience) as process:
        seen = hanging.folder.parent / "seen"
        wait_for(seen.exists, "for the test that hangs")
        end(process)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    if code == 130:
        found = hanging.json("comparison.json")["red_green"]
        assert found["unknown"] == "interrupted before every test ended"
        assert [one["finding"] for one in found["tests"]] == ["unknown"]
    assert (hanging.git("for-each-ref"), hanging.git("status", "--porcelain")) == before
    quick = "import gates.pipeline.red_green as r; r.LIMIT = 0.5"
    done = hanging.gates("compare", "main", "--red-green", before=quick)
    assert done.code == 0, done.text
    assert findings(hanging.json("comparison.json")) == {"tests/test_hangs.py::test_hangs": "red"}
    assert len(hanging.git("worktree", "list").splitlines()) == 2


@pytest.mark.slow
def test_a_file_that_hangs_while_it_is_imported_does_not_keep_the_rest_for_long(hanging: Project) -> None:
    hanging.write(
        {
            "tests/test_hangs.py": "import time\nfrom pool.core import mean\ntry: mean([])\nexcept ZeroDivisionError: time.sleep(3600)\ndef test_it(): pass\n"
        }
    )
    quick = "import gates.pipeline.red_green as r; r.LIMIT, r.IN_ALL, r.SHARE = 0.1, 1.0, 0.0"
    done = hanging.gates("compare", "main", "--fail-on", "not-red", before=quick)
    assert done.code == 3, done.text
    (found,) = hanging.json("comparison.json")["red_green"]["tests"]
    assert found["finding"] == "unknown"
    assert "the gate test did not run it" in found["said"]
