"""A comparison blames the head for what is its doing, and for nothing else."""

from __future__ import annotations

import json
import sysconfig
import venv
from typing import TYPE_CHECKING

import pytest

from tests import warm
from tests.integration.project import ROOT, checklist, pytest_gate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.project import Project

COUNTER = """
    import os
    from pathlib import Path

    def fails(side, times):
        # Each run adds a letter, in whichever worktree it takes place.
        with Path(os.environ["COUNT_FOLDER"], side).open("a+") as file:
            file.write("x")
            file.flush()
            file.seek(0)
            return len(file.read()) in times

    def test_known(): assert "old" == "failure"
    def test_fine(): pass
    """


def on(side: str, base: tuple[int, ...], head: tuple[int, ...]) -> str:
    """The file of tests of a side; `test_shaky` fails in these runs of base and head, counted from 1."""
    times = base if side == "base" else head
    return COUNTER.rstrip(" ") + f"    def test_shaky(): assert not fails({side!r}, {times!r})\n"


@pytest.fixture
def shaky(project: Project, tmp_path: Path) -> Project:
    folder = tmp_path / "counts"
    folder.mkdir()
    project.environment["COUNT_FOLDER"] = str(folder)
    return project


def write(project: Project, base: tuple[int, ...], head: tuple[int, ...], config: str = "") -> None:
    """A base that is committed, and a head in the working tree."""
    project.write(checklist(pytest_gate(), config=config))
    project.write({"test_a.py": on("base", base, head), ".gitignore": "__pycache__\n"})
    project.commit()
    project.write({"test_a.py": on("head", base, head)})


KNOWN, SHAKY = "test_a.py::test_known", "test_a.py::test_shaky"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "head", "field", "counts", "code"),
    [
        ((), (1, 2, 3), "newly_failing", (2, 2, 0, 2), 5),
        ((), (1, 3), "unconfirmed", (1, 2, 0, 2), 1),
        ((3,), (1, 2, 3), "flaky_on_both", (2, 2, 1, 2), 0),
    ],
)
def test_the_head_is_blamed_for_what_fails_there_each_time_and_on_the_base_never(
    shaky: Project,
    base: tuple[int, ...],
    head: tuple[int, ...],
    field: str,
    counts: tuple[int, ...],
    code: int,
) -> None:
    write(shaky, base, head)
    done = shaky.gates("compare", "main", "--confirm", "2")
    assert done.code == code, done.text
    found = shaky.json("comparison.json")
    assert found["tests"][field] == [SHAKY]
    assert found["tests"]["same_cause"] == [KNOWN]
    (again,) = found["confirmations"]
    names = ("head_failed", "head_runs", "base_failed", "base_runs")
    assert tuple(again[name] for name in names) == counts
    words = f"head {counts[0]}/2, base {counts[2]}/2"
    assert words in done.out
    assert words in (shaky.reports / "summary.md").read_text()
    # What was run again is on file, and nothing else was.
    for name in ("base-1", "head-1", "base-2", "head-2"):
        lines = (shaky.reports / "confirm" / name / "tests.jsonl").read_text().splitlines()
        assert len(lines) == 1
    assert len(shaky.tests) == 3
    assert "confirm 2 of 2: 1 newly failing on the head" in done.err

    # Runs of a part are not remembered as runs of all.
    assert shaky.gates("rerun").code == 1
    assert sorted(shaky.outcomes) == sorted([KNOWN, SHAKY])
    assert not list((shaky.reports / "confirm").glob("*"))


@pytest.mark.slow
def test_what_fails_on_the_base_too_is_no_regression_unless_it_blocks(shaky: Project) -> None:
    write(shaky, (), ())
    done = shaky.gates("compare", "main")
    assert done.code == 0, done.text
    assert "NO REGRESSION: Against main" in done.out
    assert "what fails here also fails there (1 test)" in done.out
    assert shaky.run.exit_code == 1
    assert (shaky.json("comparison.json")["only_base_failures"], shaky.json("comparison.json")["blocked"]) == (
        True,
        False,
    )

    shaky.write(checklist(pytest_gate(), config="base-failures = 'block'"))
    done = shaky.gates("compare", "main")
    assert done.code == 1, done.text
    assert "no regression, but failures on the base block the merge" in done.out
    assert shaky.json("comparison.json")["blocked"] is True
    assert shaky.gates("compare", "main", "--base-failures", "report").code == 0

    # The same test, and another cause.
    path = shaky.folder / "test_a.py"
    path.write_text(path.read_text().replace('assert "old" == "failure"', "raise KeyError('other')"))
    done = shaky.gates("compare", "main", "--base-failures", "report")
    assert done.code == 5, done.text
    assert shaky.json("comparison.json")["tests"]["other_cause"] == [KNOWN]
    done = shaky.gates("compare", "main", "--base-failures", "report", "--fail-on", "newly-failing")
    assert done.code == 1, done.text


@pytest.mark.slow
def test_nothing_is_run_again_where_nothing_fails_newly(shaky: Project) -> None:
    write(shaky, (), ())
    done = shaky.gates("compare", "main", "--confirm", "3")
    assert done.code == 0, done.text
    assert "confirm" not in done.err
    assert shaky.json("comparison.json")["confirmations"] == []


@pytest.mark.slow
def test_results_of_pytest_itself_are_compared_without_a_project(project: Project) -> None:
    """Two files of `pytest --junitxml`, in a folder without git, config and noxfile."""

    for side, last in (("base", "pass"), ("head", "assert 0")):
        project.write({"test_a.py": f"def test_one(): pass\ndef test_two(): {last}\n"})
        for number, family in (("1", "xunit1"), ("2", "xunit2")):
            words = (*warm.LEAN, "-q", "-o", f"junit_family={family}")
            warm.run(
                "pytest", [*words, f"--junitxml={side}/{number}.xml"],
                folder=project.folder, environment=project.environment, imports=warm.GATES, path=[str(ROOT)],
            )  # fmt: skip
    (project.folder / "test_a.py").unlink()
    done = project.gates("compare", "base/1.xml", "head/2.xml")
    assert done.code == 5, done.text
    assert "newly failing (1):\n  test_a::test_two\n" in done.out
    assert done.out.endswith("\nREGRESSION: 1 newly failing\n")
    assert not project.reports.exists()

    done = project.gates("compare", "base/*.xml", "head/*.xml", "--reports", "out")
    assert done.code == 5, done.text
    assert len(json.loads((project.folder / "out/comparison.json").read_text())["tests"]["newly_failing"]) == 2
    assert project.gates("compare", "head/1.xml", "base/1.xml").code == 0
    assert project.gates("compare", "head/1.xml", "head/2.xml").code == 0
    assert project.gates("compare", "head/1.xml", "head/2.xml", "--base-failures", "block").code == 1
    done = project.gates("compare", "head/1.xml", "head/2.xml", "--fail-on", "lost,api")
    assert (done.code, "results files hold nothing but tests" in done.err) == (2, True)
    text = (project.folder / "head/1.xml").read_text()
    project.write({"lost.xml": text.replace('failures="1"', 'failures="2"'), "torn.xml": text[:-40]})
    done = project.gates("compare", "lost.xml", "torn.xml")
    assert done.code == 2
    assert "<testsuite name='pytest'> says failures=\"2\", 1 failure is in it" in done.err
    assert "2 test cases before that place: 1 failed, 1 passed; test_a.py::test_two (failed)" in done.err
    done = project.gates("compare", "base/1.xml", "gone/*.xml")
    assert (done.code, "gone/*.xml: there is no such file" in done.err) == (2, True)


def environment_with(tmp_path: Path, *folders: Path) -> str:
    """The interpreter of an environment in which some folders are installed as `pip install -e` does it, and pytest."""
    venv.create(tmp_path / "venv", symlinks=True)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    tools = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (site / "__editable__.project.pth").write_text("".join(f"{path}\n" for path in folders) + tools)
    return str(tmp_path / "venv/bin/python")


@pytest.mark.slow
def test_a_base_that_imports_the_heads_code_is_refused(project: Project, tmp_path: Path) -> None:
    """An editable install in an environment that both sides share makes it do so."""
    python = environment_with(tmp_path, project.folder / "src")
    tests = {"src/lib.py": "value = 1\n", "tests/test_lib.py": "import lib\ndef test_value(): assert lib.value == 1\n"}
    command = [python, "-m", "pytest", *warm.LEAN]
    config = f"[gate.test]\ntests = 'pytest'\ncommand = {json.dumps(command)}\n"
    project.write(tests | {".gitignore": "__pycache__\n", "gates.toml": config})
    project.commit()
    assert project.gates("run").code == 0, "its own tree"
    assert project.gate("test").imported["lib"] == "src/lib.py"
    project.write({"src/lib.py": "value = 2\n"})
    done = project.gates("compare", "main")
    assert done.code == 3, done.text
    assert f"the tests import code of another tree: lib ({project.folder / 'src/lib.py'})" in done.err


@pytest.mark.slow
def test_gates_without_test_results_are_compared_by_how_they_end(project: Project) -> None:
    project.write(
        {
            "gates.toml": "[gate.build]\ncommand = ['true']\n[gate.check]\ncommand = ['sh', 'check.sh']\n",
            "check.sh": "true\n",
        }
    )
    project.commit("base")
    project.write({"check.sh": "echo 'error: no go'\nexit 3\n"})
    done = project.gates("compare", "main")
    assert done.code == 5, done.text
    assert "Gates newly failing:\n    check\n" in done.out
    assert "check: exit code 3\n  error: no go\n" in done.out
    assert "no gate has test results, so only how the gates ended is compared" in done.out
    project.write({"check.sh": "true\n# better\n"})
    done = project.gates("compare", "main")
    assert done.code == 0, done.text
    assert "no regression" in done.out
