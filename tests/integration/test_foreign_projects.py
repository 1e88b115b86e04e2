"""Projects whose test environment has pytest and none of our packages: results come back all the same."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.integration.project import Project, nox_session, noxfile

PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-xdist", "execnet")


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter of an environment into which only pytest and xdist are linked."""
    folder = tmp_path_factory.mktemp("foreign") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    for package in PACKAGES:
        distribution = importlib.metadata.distribution(package)
        for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (site / name).symlink_to(Path(str(distribution.locate_file(name))).resolve())
    python = folder / "bin" / "python"
    code = (
        "import importlib.util as u; print(*(u.find_spec(name) is not None for name in ('pytest', 'xdist', 'gates')))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.split() == ["True", "True", "False"]
    return python


TESTS = {
    "tests/test_shapes.py": """
        import os
        import sys

        import pytest

        def test_it_runs_elsewhere():
            assert "environment" in sys.executable

        class TestSquare:
            @pytest.mark.parametrize("side", [1, 2])
            def test_area(self, side):
                assert side * side == side ** 2

        def test_wrong():
            assert 1 == 2

        @pytest.mark.skip(reason="no circle yet")
        def test_circle():
            pass

        def test_nothing_of_ours_is_importable():
            with pytest.raises(ImportError):
                import gates
            assert not [name for name in os.environ if name.startswith(("GATES_INBOX", "GATES_PYTEST", "PYTEST_ADDOPTS"))]
        """,
    "tests/test_more.py": "def test_more(): pass\n",
}
EXPECTED = {
    "tests/test_shapes.py::test_it_runs_elsewhere": "passed",
    "tests/test_shapes.py::TestSquare::test_area[1]": "passed",
    "tests/test_shapes.py::TestSquare::test_area[2]": "passed",
    "tests/test_shapes.py::test_wrong": "failed",
    "tests/test_shapes.py::test_circle": "skipped",
    "tests/test_shapes.py::test_nothing_of_ours_is_importable": "passed",
    "tests/test_more.py::test_more": "passed",
}
LINES = {"test_it_runs_elsewhere": 6, "test_wrong": 14, "test_circle": 17, "test_more": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "workers"), [((), {""}), (("-n", "2", "--dist", "load"), {"gw0", "gw1"})], ids=["alone", "xdist"]
)
def test_results_come_back(project: Project, foreign_python: Path, options: tuple[str, ...], workers: set[str]) -> None:
    words = ", ".join(map(repr, (str(foreign_python), "-m", "pytest", *options)))
    lint = nox_session("lint", "PYTHON, '-c', 'print(42)'")
    project.write(TESTS | noxfile(nox_session("test", words), lint, nox_session("other", tags="other")))
    project.commit()
    done = project.gates("run")
    assert done.code == 1, done.text
    assert project.outcomes == EXPECTED
    by_name = {test.id.rpartition("::")[2]: test for test in project.tests}
    assert {name: by_name[name].line for name in LINES} == LINES
    for test in project.tests:
        assert test.file == test.id.partition("::")[0]
        assert test.worker in (workers if test.outcome != "skipped" else workers | {""})
    assert {test.worker for test in project.tests} <= workers
    assert "assert 1 == 2" in by_name["test_wrong"].message
    assert by_name["test_circle"].reason == "no circle yet"
    gate = project.gate("test")
    assert (gate.outcome, gate.injected, gate.inconsistent) == ("failed", True, False)
    assert gate.tools["pytest"] == importlib.metadata.version("pytest")
    assert project.gate("lint").outcome == "passed"
    assert project.run.planned == ("test", "lint"), "what has no tag is no gate"
    assert "6 tests run: 5 passed, 1 failed, 1 skipped" in done.out


@pytest.mark.slow
def test_an_environment_that_nox_makes_is_no_obstacle(project: Project, foreign_python: Path) -> None:
    """The session has an environment of its own; the injection passes through nox into it."""
    site = next((foreign_python.parents[1] / "lib").glob("python*/site-packages"))
    project.write(
        {"test_it.py": "import sys\ndef test_it(): assert '.nox' in sys.prefix, sys.prefix\n"}
        | {
            "noxfile.py": f"""
                import pathlib, nox

                @nox.session(venv_backend="venv", venv_params=["--without-pip"], tags=["gate"])
                def test(session):
                    site = next(pathlib.Path(session.virtualenv.location).glob("lib/python*/site-packages"))
                    (site / "linked.pth").write_text({str(site)!r} + "\\n")
                    session.run("python", "-m", "pytest")
                """
        }
    )
    done = project.gates("run")
    assert done.code == 0, done.text + (project.reports / "logs" / "test.log").read_text()
    assert project.outcomes == {"test_it.py::test_it": "passed"}
    assert sys.executable not in project.gate("test").command_line


@pytest.mark.slow
def test_parametrised_sessions_are_gates_of_their_own(project: Project) -> None:
    session = (
        "@nox.session(venv_backend='none', tags=['gate'])\n@nox.parametrize('db', ['a', 'b'])\n"
        "def check(session, db):\n    session.run(PYTHON, '-c', f'raise SystemExit({db!r} != \"a\")', external=True)\n"
    )
    project.write(noxfile(session))
    assert project.gates("run").code == 1
    assert {gate.name: str(gate.outcome) for gate in project.run.gates} == {
        "check(db='a')": "passed",
        "check(db='b')": "failed",
    }
    assert project.gates("run", "--gate", "check(db='a')").code == 0
    assert project.gates("run", "--gate", "check").code == 1
    assert len(project.run.gates) == 2
