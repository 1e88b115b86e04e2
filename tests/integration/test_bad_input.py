"""What users get wrong, and what their machines lack: a message that says what to do, and the right exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.integration.project import Project, checklist, nox_session, noxfile, pytest_gate, pytest_session, python_gate

CHECK = noxfile(nox_session("check", "PYTHON, '-c', ''"))
TEST = {"test_it.py": "def test_a(): pass\n"} | checklist(pytest_gate())


@pytest.mark.parametrize(
    ("files", "arguments", "code", "words"),
    [
        pytest.param({}, ("run",), 2, ("no gate found", "no noxfile.py, no gates.toml", "gates init"), id="empty folder"),
        pytest.param(
            noxfile(nox_session("check", tags="other")), ("run",), 2,
            ("no gate found", "1 nox session, none with the tag", "gates init"), id="no tag",
        ),
        pytest.param(
            {"noxfile.py": "import nox\n\ndef broken(:\n"}, ("run",), 2,
            ("noxfile.py:3", "SyntaxError", "nox --list"), id="noxfile with a syntax error",
        ),
        pytest.param(
            {"noxfile.py": "import no_such_module_at_all\n"}, ("list",), 2,
            ("noxfile.py:1", "no_such_module_at_all", "nox --list"), id="noxfile that cannot be imported",
        ),
        pytest.param(CHECK, ("run", "-g", "chekc"), 2, ("no gate is named 'chekc'", "did you mean 'check'?"), id="gate"),
        pytest.param(
            CHECK, ("run", "-g", "nope", "-g", "neither"), 2,
            ("no gate is named 'nope'", "no gate is named 'neither'", "known gates: check"), id="two unknown gates",
        ),
        pytest.param(CHECK, ("run", "-p", "quik"), 2, ("no profile is named 'quik'", "known profiles"), id="profile"),
        pytest.param(CHECK, ("run", "--jobs", "0"), 2, ("--jobs", "0"), id="no jobs"),
        pytest.param(CHECK, ("run", "--test-timeout", "soon"), 2, ("soon", "90s"), id="timeout"),
        pytest.param(CHECK, ("run", "--no-such-option"), 2, ("--no-such-option",), id="option"),
        pytest.param(CHECK, ("run", "-E", "test(a) and"), 2, ("test(a) and\n", "^"), id="filter that ends too early"),
        pytest.param(
            CHECK, ("run", "-E", "tset(a)"), 2, ("tset(a)\n", "^^^^", "did you mean", "test"), id="unknown predicate"
        ),
        pytest.param(CHECK, ("compare", "main"), 2, ("no git repository",), id="compare without git"),
        pytest.param(CHECK, ("run", "--subject", "HEAD"), 2, ("no git repository", "worktree"), id="commit without git"),
        pytest.param(CHECK, ("report",), 2, ("there is no run", "gates run"), id="report without a run"),
        pytest.param(
            {"gates.toml": "[gate.x\n"}, ("run",), 2, ("gates.toml", "not valid TOML", "line 1"), id="no TOML"
        ),
        pytest.param(
            CHECK | {"gates.toml": "", "pyproject.toml": "[tool.gates]\n"}, ("run",), 2,
            ("the config is in two places", "keep one of them"), id="two configs",
        ),
        pytest.param(
            {"gates.toml": "[gate.lint]\ncommand = 'no-such-program-at-all --check'\n"}, ("run",), 3,
            ("COULD NOT RUN", "no-such-program-at-all", "No such file"), id="missing program",
        ),
        pytest.param(
            noxfile(nox_session("lint", "'no-such-program-at-all', '--check'")), ("run",), 3,
            ("COULD NOT RUN", "no-such-program-at-all: program not found"), id="missing program of a session",
        ),
        pytest.param(
            {"noxfile.py": "import nox\n@nox.session(python='3.1', tags=['gate'])\ndef old(session): pass\n"},
            ("run",), 3, ("COULD NOT RUN", "3.1 not found"), id="missing interpreter",
        ),
        pytest.param(
            {"gates.toml": "[gate.a]\ncommand = 'true'\nneeds = ['b']\n[gate.b]\ncommand = 'true'\nneeds = ['a']\n"},
            ("run",), 2, ("circle", "remove one"), id="needs in a circle",
        ),
    ],
)  # fmt: skip
def test_is_told_with_what_to_do(
    project: Project, files: dict[str, str], arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    project.write(files)
    done = project.gates(*arguments)
    assert done.code == code, done.text
    for word in words:
        assert word in done.text
    if code == 2:
        assert not project.reports.exists(), "nothing was begun"
    else:
        assert project.run.exit_code == code


def test_all_mistakes_of_a_config_are_shown_with_line_and_nearest_name(project: Project) -> None:
    project.write(
        CHECK
        | {
            "gates.toml": """
                jobs = 0
                timeuot = "5m"

                [gate.check]
                tests = "pytset"
                """
        }
    )
    done = project.gates("run")
    assert done.code == 2
    lines = [line for line in done.err.splitlines() if line.startswith(("gates: gates.toml:", "gates.toml:"))]
    assert [line.rpartition("gates.toml:")[2].split(":")[0] for line in lines] == ["1", "2", "5"]
    assert "did you mean 'timeout'?" in done.err
    assert "a whole number from 1" in done.err
    assert "one of auto, pytest, junit, none" in done.err


def test_the_caret_stands_under_the_place(project: Project) -> None:
    project.write(CHECK)
    done = project.gates("run", "-E", "test(a) or (test(b) nad test(c))")
    assert done.code == 2
    lines = done.err.splitlines()
    (shown,) = (number for number, line in enumerate(lines) if "test(a) or" in line)
    assert lines[shown + 1].index("^") - lines[shown].index("test(a)") == len("test(a) or (test(b) ")


class TestWithoutSpace:
    """The limit on file sizes is real: the kernel refuses to write more. Gates inherit it, as they share a full disk."""

    def gates(self, project: Project, size: int, *arguments: str) -> tuple[int, str]:
        # Not with preexec_fn: it is not safe where there are threads.
        code = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); os.execv(sys.argv[1], sys.argv[1:])"
        # The temporary folder has the same limit; a full one is another matter, and told before anything is begun.
        little = "import gates.files.temporary; gates.files.temporary.ROOM = 10"
        done = project.gates(*arguments, launcher=(sys.executable, "-c", code), before=little)
        return done.code, done.text

    @pytest.mark.slow
    def test_for_the_first_report_nothing_is_begun(self, project: Project) -> None:
        project.write(noxfile(nox_session("check", "PYTHON, '-c', \"open('begun', 'w')\"")))
        code, text = self.gates(project, 100, "run")
        assert code == 3
        assert "cannot write the report: File too large" in text
        assert "--reports" in text
        assert not (project.folder / "begun").exists()
        assert not (project.reports / "run.json").exists()

    @pytest.mark.slow
    def test_for_a_log_the_gates_are_ended(self, project: Project) -> None:
        noise = python_gate("noise", "-c", "for _ in range(40000): print('noise')")
        project.write(checklist(noise, python_gate("wait", "-c", "import time; time.sleep(600)")))
        code, text = self.gates(project, 60_000, "run", "--jobs", "2")
        assert code == 3
        assert "cannot write the report: File too large" in text
        assert "noise.log" in text
        run = project.run
        assert (run.complete, run.outcome, run.exit_code) == (False, "could-not-run", 3)
        assert (project.reports / "logs" / "noise.log").stat().st_size <= 60_000

    @pytest.mark.slow
    def test_for_the_tests_the_file_ends_with_a_whole_line(self, project: Project) -> None:
        tests = "import pytest\n@pytest.mark.parametrize('n', range(400))\ndef test_a(n): pass\n"
        project.write({"test_it.py": tests} | checklist(pytest_gate("-q")))
        code, text = self.gates(project, 40_000, "run")
        assert code in {1, 3}, text
        data = (project.reports / "tests.jsonl").read_bytes()
        assert data == b"" or data.endswith(b"\n")
        assert len(project.tests) < 400 or code == 3
        assert project.run.outcome != "passed"
        assert not project.run.complete or project.run.exit_code == 1

    @pytest.mark.slow
    def test_for_the_summary_the_run_says_so(self, project: Project) -> None:
        """Its texts are longer than those of `run.json`, which is written before."""
        project.write(
            {"test_it.py": "def test_a(): assert 0, 'x' * 9000\n"}
            | noxfile(pytest_session(options=", success_codes=[1]"))
        )
        assert project.gates("run").code == 1
        sizes = {name: (project.reports / name).stat().st_size for name in ("run.json", "tests.jsonl", "summary.md")}
        limit = sizes["summary.md"] - 1
        assert max(sizes, key=sizes.__getitem__) == "summary.md", sizes
        code, text = self.gates(project, limit, "run")
        assert code == 1, "a failure is told before the trouble"
        assert "summary.md: cannot write the report: File too large" in text
        assert (project.run.complete, project.run.exit_code) == (False, 1)


def test_reports_in_a_folder_that_cannot_be_made(project: Project) -> None:
    project.write(CHECK | {"reports": "a file, not a folder"})
    done = project.gates("run")
    assert done.code == 2
    assert "reports: is not a folder" in done.err
    assert "move it away" in done.err


class TestWithoutGit:
    def test_a_run_works_and_says_so(self, project: Project) -> None:
        project.write(TEST)
        done = project.gates("run")
        assert done.code == 0
        run = project.run
        assert (run.subject.kind, run.subject.commit, run.changes) == ("folder", "", None)
        assert run.subject.identity.startswith("files:sha256:")
        assert any("no git repository" in note for note in run.notes)
        assert "no git repository" in (project.reports / "summary.md").read_text()

    def test_a_missing_git_is_no_git(self, project: Project, tmp_path: Path) -> None:
        project.write(CHECK)
        project.commit()
        (tmp_path / "empty").mkdir()
        done = project.gates("run", environment={"PATH": str(tmp_path / "empty")})
        assert done.code == 0, done.text
        assert project.run.subject.kind == "folder"


class TestOddRepositories:
    @pytest.mark.slow
    def test_a_path_with_spaces_and_letters_of_all_kinds(self, tmp_path: Path) -> None:
        project = Project(tmp_path / "mein schönes Projekt ✓ 'q' $HOME", tmp_path / "ein cache")
        project.write(TEST | {"naïve dir/größe.txt": "x", ".gitignore": "__pycache__/\n"})
        project.commit()
        (project.folder / "naïve dir" / "größe.txt").write_text("y")
        done = project.gates("run")
        assert done.code == 0, done.text
        assert project.outcomes == {"test_it.py::test_a": "passed"}
        assert project.run.subject.dirty
        assert project.gates("compare", "main").code == 0
        assert project.json("comparison.json")["files"][0]["path"] == "naïve dir/größe.txt"

    @pytest.mark.slow
    def test_a_file_name_that_is_no_text(self, project: Project) -> None:
        project.write(TEST)
        Path(os.fsdecode(os.fsencode(project.folder) + b"/caf\xe9")).write_text("x")
        project.commit()
        assert project.gates("run").code == 0

    @pytest.mark.slow
    def test_a_shallow_clone_claims_no_merge_base(self, project: Project, tmp_path: Path) -> None:
        project.write(TEST)
        for number in range(3):
            project.write({"file.txt": str(number)})
            project.commit()
        project.git("clone", "--quiet", "--depth", "1", f"file://{project.folder}", str(tmp_path / "clone"))
        clone = Project(tmp_path / "clone", tmp_path / "cache")
        assert clone.gates("run").code == 0
        assert (clone.run.subject.shallow, clone.run.subject.merge_base, clone.run.changes) == (True, "", None)
        assert any("shallow clone" in note for note in clone.run.notes)
        done = clone.gates("compare", "HEAD~1")
        assert done.code == 2
        assert "git fetch --unshallow" in done.err

    @pytest.mark.slow
    def test_a_detached_head_has_no_branch(self, project: Project) -> None:
        project.write(TEST)
        first = project.commit()
        project.write({"file.txt": "x"})
        project.commit()
        project.git("switch", "--quiet", "--detach", first)
        assert project.gates("run").code == 0
        assert (project.run.subject.branch, project.run.subject.commit) == ("", first)
        assert project.gates("compare", "main").code == 0

    @pytest.mark.slow
    def test_a_repository_without_commits(self, project: Project) -> None:
        project.write(TEST)
        project.git("init", "--quiet")
        assert project.gates("run").code == 0
        assert (project.run.subject.kind, project.run.subject.commit, project.run.subject.dirty) == (
            "worktree",
            "",
            True,
        )
        done = project.gates("compare", "main")
        assert done.code == 2
        assert "no commit is named 'main'" in done.err

    def test_an_unknown_base_is_told_with_those_that_are_known(self, project: Project) -> None:
        project.write(TEST)
        project.commit()
        done = project.gates("compare", "mian")
        assert done.code == 2
        assert "no commit is named 'mian'" in done.err
        assert "main" in done.err
