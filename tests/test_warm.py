"""Programs that are forked are programs like any."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests import warm
from tests.gates.pytest_plugin.conftest import Project as PluginProject
from tests.integration.project import Project, checklist, noxfile, pytest_gate, pytest_session
from tests.warm_plugins import blocked_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = """
import atexit, json, os, signal, sys, time
import library
atexit.register(print, "end")
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("A"), __name__, library.VALUE, sys.stdin.read()]))
print("complained", file=sys.stderr)
exec(os.environ.get("CODE", ""))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "library.py").write_text("VALUE = 'ours'\n")
    return tmp_path


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, **more: Any) -> Any:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    more = {"path": [str(folder)], "imports": ("library",)} | more
    return warm.run("program", arguments, folder=folder, environment=inherited | dict(environment or {}), **more)


@pytest.mark.parametrize("start", [{}, {"PYTHONHASHSEED": "3"}], ids=["warm", "cold"])
@pytest.mark.parametrize("more", [{}, {"path": (), "imports": ()}], ids=["path", "folder"])
def test_a_program_has_its_arguments_folder_variables_and_streams(
    folder: Path, start: dict[str, str], more: dict[str, Any]
) -> None:
    done = run(folder, "-x", "ü", environment={"A": "1", **start}, **more)
    assert done.returncode == 0, done.stderr
    said, end = done.stdout.decode().splitlines()
    assert json.loads(said) == [["-x", "ü"], str(folder.resolve()), "1", "__main__", "ours", ""]
    assert (end, done.stderr) == ("end", b"complained\n")


def test_what_one_leaves_the_next_does_not_see(folder: Path) -> None:
    spoil = "library.VALUE = 'spoiled'; os.chdir('/'); os.environ['A'] = 'x'; sys.argv.append('y')"
    first, second = run(folder, environment={"CODE": spoil}), run(folder)
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("sys.exit(7)", 7),
        ("raise KeyError('x')", 1),
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_it_ends_as_it_ends(folder: Path, code: str, exit_code: int) -> None:
    done = run(folder, environment={"CODE": code})
    assert done.returncode == exit_code
    assert (b"KeyError" in done.stderr) == ("KeyError" in code)


HANGS = """
def be_started(writing):
    os.write(writing, b"x")
    time.sleep(600)
def hang(reading):
    os.read(reading, 1)
    with open("hangs", "w") as file:
        file.write(str(started))
    os.wait()
ends = os.pipe()
started = os.fork()
hang(ends[0]) if started else be_started(ends[1])
"""


def test_one_that_takes_too_long_is_killed_with_what_it_started_and_both_say_where_they_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_it_hangs(_: object, seconds: float) -> None:
        monkeypatch.undo()
        end = time.monotonic() + seconds
        while not (folder / "hangs").exists() and time.monotonic() < end:
            time.sleep(0.01)

    monkeypatch.setattr(warm._Warm, "wait", until_it_hangs)
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        run(folder, environment={"CODE": HANGS})
    started = int((folder / "hangs").read_text())
    assert not warm.is_there(started)
    notes = "\n".join(raised.value.__notes__)
    for expected in (f"process {started}: {started} ", "complained", "in hang", "in be_started"):
        assert expected in notes
    assert run(folder).returncode == 0


def test_the_path_in_front_wins_over_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").write_text("VALUE = 1\n")
    (tmp_path / "program.py").write_text("import pytest\nprint(pytest.VALUE)\n")
    done = run(tmp_path, imports=("pytest",))
    assert (done.stdout, done.returncode) == (b"1\n", 0), done.stderr


STARTS = """
import os, pathlib, subprocess, sys
with open("inner.py", "w") as file:
    file.write('''
import json, os, sys, time
with open("/proc/self/environ", "rb") as file:
    variables = dict(entry.split(b"=", 1) for entry in file.read().split(b"\\\\0") if entry)
warm = variables.get(b"MARK", b"").decode() == os.environ["MARK"] and "warm_server" in open("/proc/self/cmdline").read()
import library
print(json.dumps([
    warm, os.environ["MARK"], os.getppid(), os.getsid(0) == os.getpid(), os.getcwd(), library.VALUE,
    os.path.abspath(sys.path[0]), sys.stdin.read(),
]), flush=True)
print("complained", file=sys.stderr)
if "end" in os.environ:
    os._exit(3)
time.sleep(float(os.environ.get("sleep", 0)))
''')
words = [sys.executable, "-m", "pytest", "-p", "inner", "-p", "no:cacheprovider", "--markers"]
done = subprocess.Popen(
    words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    env=os.environ | {"MARK": "x=y", "PYTHONPATH": os.getcwd(), **eval(os.environ.get("MORE", "{}"))},
)
"""
"""Starts a program from one that was started warm, with a plugin that says how it finds things."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="who lost its parent finds another on Linux")


def start(folder: Path, code: str, **environment: str) -> Any:
    done = run(folder, environment={"CODE": f"{STARTS}\n{code}", **environment}, imports=("library", *warm.PYTEST))
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()[1:-1]


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("more", ["{}", "{'PYTHONHASHSEED': '3'}", "{name: 'x' * 100_000 for name in 'AB'}"])
def test_what_a_program_starts_is_its_child_and_a_program_like_any(folder: Path, more: str) -> None:
    code = (
        "library.VALUE = 'spoiled'\nout, err = done.communicate(b'text')\nprint(out.decode().splitlines()[0])\n"
        "print(os.getpid(), done.returncode, err.decode().splitlines()[0], os.listdir('/proc/self/task').__len__())"
    )
    said, about = start(folder, code, MORE=more)
    pid, returncode, complaint, threads = about.split()
    assert (returncode, complaint, threads) == ("0", "complained", "1")
    place = str(folder.resolve())
    assert json.loads(said) == [more == "{}", "x=y", int(pid), True, place, "ours", place, "text"]


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize(
    ("ending", "more", "code"),
    [("", {"end": "1"}, 3), ("done.stdout.readline(); done.terminate()", {"sleep": "600"}, -signal.SIGTERM)],
    ids=["by itself", "by a signal"],
)
def test_the_end_of_what_a_program_started_is_known_to_it(
    folder: Path, ending: str, more: dict[str, str], code: int
) -> None:
    (said,) = start(folder, f"done.stdin.close()\n{ending}\nprint(done.wait(60))", MORE=repr(more))
    assert int(said) == code


def test_programs_start_cold_where_that_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.COLD, "1")
    flags = "print(sys.flags.safe_path)"
    assert run(folder, environment={"CODE": flags}).stdout.decode().splitlines()[1] == "False"
    monkeypatch.delenv(warm.COLD)
    assert run(folder, environment={"CODE": flags}).stdout.decode().splitlines()[1] == "True"


@pytest.mark.slow
@on_linux
def test_all_that_a_run_of_gates_starts_is_warm(tmp_path: Path) -> None:
    """Whoever changes how gates starts programs sees here that each test of a run has become slow."""
    project = Project(tmp_path / "project", tmp_path / "cache")
    notes = """
    import os
    def pytest_sessionstart():
        with open("notes.txt", "a") as file, open("/proc/self/cmdline") as line:
            print(os.environ.get("PYTEST_XDIST_WORKER", "main"), "warm_server" in line.read(), file=file)
    """
    words = ("-n", "1")
    project.write({"conftest.py": notes, "test_a.py": "def test_a(): pass\n"} | noxfile(pytest_session(*words)))
    project.write(checklist(pytest_gate(*words, name="plain")))
    assert project.gates("run", "--jobs", "1").code == 0
    assert sorted((project.folder / "notes.txt").read_text().splitlines()) == ["gw0 True"] * 2 + ["main True"] * 2


LOADED = """
    import sys
    def pytest_sessionfinish():
        print()
        for name in ("xdist.plugin", "platformdirs.pytest_plugin", "gates.pytest_plugin", "_gates_injected.pytest_plugin"):
            print(name, type(sys.modules[name].__spec__.loader).__name__)
    """


def loaders(project: PluginProject) -> dict[str, str]:
    project.write(conftest=LOADED, test_a="def test_a(): pass\n")
    lines = [line.split() for line in project.injected("-s").output.splitlines()]
    return {words[0]: words[1] for words in lines if len(words) == 2 and words[0] in LOADED}


def test_plugins_are_there_before_pytest_imports_them(tmp_path: Path) -> None:
    """Whoever changes how they are found sees here that each start has become twice as slow."""
    found = loaders(PluginProject(tmp_path))
    assert len(found) == 4
    assert {*found.values()} == {"Ready"}


def test_a_plugin_of_the_same_name_that_lies_in_front_is_imported_instead(tmp_path: Path) -> None:
    project = PluginProject(tmp_path)
    project.write_file("platformdirs/__init__.py", "")
    project.write_file("platformdirs/pytest_plugin.py", "")
    found = loaders(project)
    assert found["platformdirs.pytest_plugin"] != "Ready"
    assert found["xdist.plugin"] == "Ready"


PLUGINS = """
    import os
    def pytest_configure(config):
        names = sorted(str(name) for name, plugin in config.pluginmanager.list_name_plugin() if plugin is not None)
        given = config.invocation_params
        print([name for name in names if not name.isdecimal()], given.args, given.dir == given.dir.cwd())
        print(config._parser.prog, "--doctest-modules" in config._parser.optparser.format_help(), flush=True)
    """


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-p", "no:doctest")])
def test_pytest_knows_the_same_plugins_as_when_it_starts_from_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    project = PluginProject(tmp_path)
    project.write(conftest=PLUGINS, test_a="def test_a(): pass\n")
    started = project.plain("-s", *words).output
    monkeypatch.setenv(warm.COLD, "1")
    assert started.splitlines()[:2] == project.plain("-s", *words).output.splitlines()[:2]
    assert "'mark'" in started


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-p", "no:a", "-pno:b", "tests", "-p", "c"], {"no:a", "no:b"}),
        (["-q", "-p"], set()),
        ([], set()),
    ],
)
def test_plugins_that_are_turned_off_are_read_from_the_arguments(words: list[str], found: set[str]) -> None:
    assert blocked_by(words) == found


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "workers"])
def test_inner_sessions_remove_old_folders_of_their_own_kind_only(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """In the folder that all sessions of a user share, the removal takes as long as other runs were large."""
    project = PluginProject(tmp_path)
    project.write(
        test_it="from pathlib import Path\n\ndef test_it(tmp_path):\n    Path('where').write_text(str(tmp_path))\n"
    )
    assert project.injected(*arguments).exit_code == 0
    where = (project.root / "where").read_text()
    assert "/of-inner-sessions" in where, where
