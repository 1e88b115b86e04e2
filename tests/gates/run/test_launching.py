"""Whatever ends first, gates or its keeper: nothing that was started outlives both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gates
from gates.run.launching import Keeper
from tests.gates.run.making import python
from tests.gates.run.waiting import is_alive, is_dead, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next run ends what is left")

HIDING = """
import os, sys, time
def report(name):
    with open(name + ".new", "w") as file: file.write(str(os.getpid()))
    os.rename(name + ".new", name)
if os.fork():
    report("first"); time.sleep(600)
os.setsid()
if os.fork(): os._exit(0)
os.execve(sys.executable, [sys.executable, "-I", "-S", "-c",
    "import os, time; file = open('hidden.new', 'w'); file.write(str(os.getpid())); file.close();"
    "os.rename('hidden.new', 'hidden'); time.sleep(600)"], {})
"""
"""A process, and one that left its group, its session and its parent, and carries no variable of ours."""


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    with closing(Keeper()) as one:
        yield one


@pytest.fixture
def nowhere() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def pid_in(path: Path) -> int:
    wait_for(path.exists)
    return int(path.read_text())


def said(keeper: Keeper, folder: Path, *command: str) -> str:
    """What a process prints."""
    reader, writer = os.pipe()
    pid, watch = keeper.start(command, folder, {}, writer)
    os.close(writer)
    with os.fdopen(reader) as output:
        text = output.read()
    assert keeper.wait(pid, 60) is not None
    os.close(watch)
    return text.strip()


def test_nothing_outlives_gates_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from gates.run.launching import Keeper;"
        f"keeper = Keeper(); keeper.start({python(HIDING)!r}, pathlib.Path('.'), {{}}, 2); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(gates.__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as process:
        try:
            started = [pid_in(tmp_path / "first"), pid_in(tmp_path / "hidden")]
            assert all(map(is_alive, started))
        finally:
            process.kill()
    for pid in started:
        wait_for(lambda pid=pid: is_dead(pid))  # type: ignore[misc]


def test_the_end_of_a_run_finds_a_process_that_hides(keeper: Keeper, tmp_path: Path, nowhere: int) -> None:
    _, watch = keeper.start(python(HIDING), tmp_path, {}, nowhere)
    started = [pid_in(tmp_path / "first"), pid_in(tmp_path / "hidden")]
    keeper.close()
    assert [pid for pid in started if is_alive(pid)] == []
    os.close(watch)


def test_a_keeper_that_was_killed_is_replaced_and_its_processes_count_as_killed(
    keeper: Keeper, tmp_path: Path, nowhere: int
) -> None:
    code = "import os, pathlib, time; pathlib.Path('it').write_text(str(os.getppid())); time.sleep(600)"
    pid, watch = keeper.start(python(code), tmp_path, {}, nowhere)
    wait_for(lambda: (tmp_path / "it").exists() and bool((tmp_path / "it").read_text()))
    os.kill(int((tmp_path / "it").read_text()), signal.SIGKILL)  # as a gate that kills its parent
    assert keeper.wait(pid, 60) == (signal.SIGKILL, 0.0)
    assert keeper.lost(pid)
    os.kill(pid, signal.SIGKILL)
    os.close(watch)
    assert said(keeper, tmp_path, "/bin/echo", "again") == "again"


def test_processes_start_with_the_usual_signals_and_no_descriptor_of_ours(
    keeper: Keeper, tmp_path: Path, nowhere: int
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)}
    try:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        keeper.begin()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        for number, handler in before.items():
            signal.signal(number, handler)
    shell = "grep -E '^Sig(Ign|Blk)' /proc/self/status; ls /proc/self/fd"
    words = said(keeper, tmp_path, "/bin/sh", "-c", shell).split()
    assert (words[0], words[2]) == ("SigBlk:", "SigIgn:")
    internal = 0b11 << 31  # 32 and 33 are the C library's own: a program may inherit them, and none can set them
    assert [int(mask, 16) & ~internal for mask in (words[1], words[3])] == [0, 0]
    assert words[4:] == ["0", "1", "2", "3"], "the last one is that of `ls` itself"


@pytest.mark.parametrize(
    ("command", "error"), [((".",), PermissionError), (("no\0such",), OSError), (("/no/such",), FileNotFoundError)]
)
def test_what_cannot_be_started_is_an_error_of_the_system(
    keeper: Keeper, tmp_path: Path, nowhere: int, command: tuple[str, ...], error: type[OSError]
) -> None:
    with pytest.raises(error):
        keeper.start(command, tmp_path, {}, nowhere)
    assert said(keeper, tmp_path, "/bin/echo", "still there") == "still there"
