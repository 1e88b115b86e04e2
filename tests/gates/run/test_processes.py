from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gates.run import processes
from gates.run.launching import Keeper
from gates.run.processes import MARKER, GateProcess, marked_processes
from tests.gates.run.making import python
from tests.gates.run.waiting import is_alive, wait_for

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = "import time; time.sleep(600)"
IGNORE_TERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {SLEEP}"

Start = Callable[..., GateProcess]


@pytest.fixture
def marker(tmp_path: Path) -> str:
    return f"{tmp_path.parent.name}-{tmp_path.name}-1"


@pytest.fixture(scope="module")
def keeper() -> Iterator[Keeper]:
    with closing(Keeper()) as one:
        yield one


@pytest.fixture
def start(tmp_path: Path, marker: str, keeper: Keeper) -> Iterator[Start]:
    """Starts processes, and leaves none behind."""
    started = []

    def begin(code: str, marker: str = marker, **environment: str) -> GateProcess:
        process = GateProcess(python(code), cwd=tmp_path, environment={MARKER: marker, **environment}, keeper=keeper)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.signal_tree(signal.SIGKILL)
        wait_for(process.ended)
        process.close()


def output_of(process: GateProcess) -> str:
    """All output until its end."""
    data = b""

    def at_end() -> bool:
        nonlocal data
        piece = process.read()
        data += piece or b""
        return piece is None

    wait_for(at_end)
    return data.decode()


def first_line_of(process: GateProcess) -> str:
    data = b""

    def complete() -> bool:
        nonlocal data
        data += process.read() or b""
        return b"\n" in data

    wait_for(complete)
    return data.decode().strip()


def test_leads_a_session_and_a_group_of_its_own(start: Start) -> None:
    process = start("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))")
    assert set(output_of(process).split()) == {str(process.pid)}


def test_output_and_errors_come_in_one_stream_in_order(start: Start) -> None:
    process = start("import os; os.write(1, b'one '); os.write(2, b'two '); os.write(1, b'three')")
    assert output_of(process) == "one two three"


def test_has_no_input_to_wait_for(start: Start) -> None:
    assert output_of(start("import sys; print(repr(sys.stdin.read()))")) == "''\n"


def test_sees_the_variables_it_is_given_and_no_other(start: Start) -> None:
    process = start("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))", COLOUR="blue")
    assert output_of(process) == f"{sorted([MARKER, 'COLOUR'])}\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("import sys; sys.exit(3)", 3),
        ("import os; os._exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
    ],
)
def test_exit_codes_are_those_of_the_process(start: Start, code: str, expected: int) -> None:
    process = start(code)
    wait_for(process.ended)
    assert process.exit_code == expected
    assert process.ended(), "asking again changes nothing"


def test_processor_time_is_counted(start: Start) -> None:
    process = start("import time\nwhile time.process_time() < 0.05: pass")
    wait_for(process.ended)
    assert process.cpu >= 0.05


def test_the_watch_is_ready_at_the_end(start: Start) -> None:
    process = start("")
    if process.watch < 0:
        pytest.skip("no pidfd on this system")
    assert select.select([process.watch], [], [], 60)[0] == [process.watch]
    wait_for(process.ended)


@pytest.mark.parametrize("missing", ["no-such-program-at-all", "./no-such-file", ""])
def test_a_missing_program_is_an_error_of_the_system(tmp_path: Path, keeper: Keeper, missing: str) -> None:
    with pytest.raises(OSError, match=r"No such file|not found|Permission"):
        GateProcess([missing], cwd=tmp_path, environment={}, keeper=keeper)


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path, keeper: Keeper) -> None:
    with pytest.raises(FileNotFoundError):
        GateProcess(python(""), cwd=tmp_path / "gone", environment={}, keeper=keeper)


class TestTree:
    def test_a_signal_reaches_the_children_in_the_group(self, start: Start) -> None:
        child = f"[sys.executable, '-I', '-S', '-c', {SLEEP!r}]"
        process = start(f"import subprocess, sys; p = subprocess.Popen({child}); print(p.pid, flush=True); p.wait()")
        pid = int(first_line_of(process))
        process.signal_tree(signal.SIGTERM)
        wait_for(process.ended)
        wait_for(lambda: not is_alive(pid))
        assert process.exit_code == -signal.SIGTERM

    def test_a_process_that_left_the_group_is_found_by_its_marker(self, start: Start) -> None:
        child = f"[sys.executable, '-I', '-S', '-c', {SLEEP!r}]"
        process = start(
            f"import subprocess, sys; p = subprocess.Popen({child}, start_new_session=True,"
            " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(p.pid)"
        )
        pid = int(output_of(process))
        wait_for(process.ended)
        assert is_alive(pid), "it outlived its parent"
        assert os.getsid(pid) == pid, "and left the session"
        assert process.strays() == [pid]
        assert process.signal_tree(signal.SIGKILL) == 1
        wait_for(lambda: not is_alive(pid))
        assert process.strays() == []

    def test_a_process_may_ignore_a_request_but_no_order(self, start: Start) -> None:
        process = start(IGNORE_TERM)
        assert first_line_of(process) == "ready"
        process.signal_tree(signal.SIGTERM)
        assert not process.ended()
        process.signal_tree(signal.SIGKILL)
        wait_for(process.ended)
        assert process.exit_code == -signal.SIGKILL

    def test_signals_to_a_tree_that_is_gone_reach_nobody(self, start: Start) -> None:
        process = start("")
        wait_for(process.ended)
        assert process.signal_tree(signal.SIGTERM) == 0


@pytest.fixture(params=["read from /proc", "asked of psutil"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if request.param == "asked of psutil":
        monkeypatch.setattr(processes, "Path", lambda _: tmp_path / "no-proc-here")


@pytest.mark.usefixtures("_both_ways")
class TestMarkers:
    def test_each_run_around_a_process_finds_it(self, start: Start, marker: str) -> None:
        process = start(f"print('ready', flush=True); {SLEEP}", f"{marker}-outer {marker}-inner")
        assert first_line_of(process) == "ready"
        assert process.marker == f"{marker}-inner"
        assert marked_processes(f"{marker}-inner") == [process.pid]
        assert marked_processes(f"{marker}-outer") == [process.pid]

    def test_a_longer_marker_is_another_one(self, start: Start, marker: str) -> None:
        process = start(f"print('ready', flush=True); {SLEEP}", f"{marker}1", OTHER=marker)
        assert first_line_of(process) == "ready"
        assert marked_processes(marker) == []
        assert marked_processes(f"{marker}1") == [process.pid]


def test_a_process_without_marker_has_no_strays(tmp_path: Path, keeper: Keeper) -> None:
    process = GateProcess([sys.executable, "-I", "-S", "-c", ""], cwd=tmp_path, environment={}, keeper=keeper)
    wait_for(process.ended)
    assert process.strays() == []
    process.close()
    process.close()
