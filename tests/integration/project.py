"""A project in a temporary folder, and real runs of `python -m gates` in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import msgspec

import gates
from gates.results.files import load_run, load_tests
from tests import warm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gates.results import GateResult, Run, TestResult

ROOT = Path(gates.__file__).resolve().parents[1]

_RUN = "runpy.run_module('gates', run_name='__main__', alter_sys=True)"


def program(before: str = "pass") -> tuple[str, ...]:
    """`python -m gates` wherever gates is installed or not, without a PYTHONPATH that its gates would inherit.

    Args:
        before: a statement that is run first, to change a constant that no user can.
    """
    return (sys.executable, "-c", f"import runpy, sys; sys.path[0] = {str(ROOT)!r}; {before}; {_RUN}")


PATIENCE = 120.0
"""Seconds after which a run is broken."""

_FOREIGN = (
    "CI",
    "COLUMNS",
    "COV_",
    "FORCE_COLOR",
    "GATES_",
    "GIT_",
    "GITHUB_",
    "NO_COLOR",
    "NOX",
    "PYTEST_",
    "PYTHON",
    "UV_",
    "VIRTUAL_ENV",
)


def clean_environment(cache: Path) -> dict[str, str]:
    """The variables of a run: none of the runs that these tests may themselves be part of."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return (
        kept
        | warm.own_temproot()
        | {
            "GATES_CACHE_DIR": str(cache),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(cache.parent),
            "GIT_AUTHOR_NAME": "Somebody",
            "GIT_AUTHOR_EMAIL": "somebody@example.org",
            "GIT_COMMITTER_NAME": "Somebody",
            "GIT_COMMITTER_EMAIL": "somebody@example.org",
        }
    )


class Done(msgspec.Struct, frozen=True):
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Started(subprocess.Popen[str]):
    """A run that goes on. A test that fails meanwhile ends it, and what it started."""

    def __exit__(self, kind: type[BaseException] | None, *details: Any) -> None:
        if kind is not None and self.poll() is None:
            for number in (signal.SIGINT, signal.SIGINT, signal.SIGKILL):
                self.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.communicate(timeout=3)
        super().__exit__(kind, *details)


class Project:
    """A folder with files, and perhaps a git repository."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.patience = PATIENCE
        self.environment = clean_environment(cache)
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files; their texts may be indented."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def git(self, *arguments: str) -> str:
        """What git answers."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "Change it") -> str:
        """Commit everything, in a repository that is made when there is none; the commit's name."""
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def start(self, *arguments: str, launcher: tuple[str, ...] = (), before: str = "pass", **options: Any) -> Started:
        """Start gates, and do not wait for it."""
        environment = self.environment | options.pop("environment", {})
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return Started(
            [*launcher, *program(before), *arguments],
            cwd=self.folder, env=environment, text=True, encoding="utf-8", errors="replace", **streams,
        )  # fmt: skip

    def gates(self, *arguments: str, **options: Any) -> Done:
        """Run gates to its end. Whatever happens, nobody is shown a traceback of ours, and no file is half-written."""
        if options.keys() <= {"environment"}:
            ended = warm.run(
                "gates", arguments, folder=self.folder, environment=self.environment | options.get("environment", {}),
                imports=warm.GATES, path=[str(ROOT)], timeout=self.patience,
            )  # fmt: skip
            done = Done(ended.returncode, *(text.decode("utf-8", "replace") for text in (ended.stdout, ended.stderr)))
        else:
            with self.start(*arguments, **options) as process:
                out, err = process.communicate(timeout=self.patience)
            done = Done(process.returncode, out or "", err or "")
        assert "\nTraceback" not in f"\n{done.text}", done.text  # one of a gate's is quoted, and so indented
        assert self.leftovers() == []
        return done

    def leftovers(self) -> list[Path]:
        """Files that were written aside and never renamed."""
        return [path for path in self.reports.rglob(".*.*") if path.name != ".gitignore"]

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    @property
    def run(self) -> Run:
        """The run that `run.json` holds."""
        return load_run(self.reports / "run.json")

    @property
    def tests(self) -> tuple[TestResult, ...]:
        """The tests that `tests.jsonl` holds."""
        return load_tests(self.reports / "tests.jsonl")

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome by test; ids are unique in these projects."""
        found = {test.id: str(test.outcome) for test in self.tests}
        assert len(found) == len(self.tests)
        return found

    def gate(self, name: str) -> GateResult:
        """A gate's result."""
        return next(gate for gate in self.run.gates if gate.name == name)

    def json(self, name: str) -> Any:
        """A report that is JSON."""
        return json.loads((self.reports / name).read_text(encoding="utf-8"))


def nox_session(name: str, *commands: str, options: str = "", tags: str = "gate") -> str:
    """A session without an environment of its own: `python` is the interpreter of the tests, so nothing is installed."""
    lines = "\n".join(f"    session.run({command}, external=True)" for command in commands) or "    pass"
    return f'@nox.session(venv_backend="none", tags=["{tags}"]{options})\ndef {name}(session):\n{lines}\n\n'


def noxfile(*sessions: str) -> dict[str, str]:
    return {"noxfile.py": "import sys\nimport nox\nPYTHON = sys.executable\n\n" + "".join(sessions)}


def pytest_session(*arguments: str, options: str = "") -> str:
    """The session `test`, which runs pytest."""
    words = "".join(f", {word!r}" for word in (*warm.LEAN, *arguments))
    return nox_session("test", f"PYTHON, '-m', 'pytest'{words}{options}")


def python_gate(name: str, *arguments: str) -> str:
    """The table of a gate that runs the interpreter of the tests."""
    return f"[gate.{name}]\ncommand = {json.dumps([sys.executable, *arguments])}\n"


def pytest_gate(*arguments: str, name: str = "test") -> str:
    """The table of a gate that runs pytest as `pytest_session` does, but without nox, which takes as long again."""
    return python_gate(name, "-m", "pytest", *warm.LEAN, *arguments) + 'tests = "pytest"\n'


def checklist(*gates: str, config: str = "") -> dict[str, str]:
    """A config of these gates."""
    return {"gates.toml": "\n".join([dedent(config), *gates])}
