from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import gates
from gates.noxtools.forward import run_forwarding

HOME = Path(gates.__file__).parent.parent

CHILD = """
import signal, sys, time
count = []
def end(number, frame):
    count.append(number)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
deadline = time.monotonic() + float(sys.argv[1])
while not count and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.2)  # a second signal, if there is one, comes now
print("signals", [int(number) for number in count], flush=True)
sys.exit(7)
"""

PARENT = """
import os, sys
from gates.noxtools.forward import run_forwarding
code = run_forwarding([sys.executable, "-c", {child!r}, {patience!r}], os.environ, terminal={terminal})
print("code", code, flush=True)
"""


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_comes_back(code: int) -> None:
    assert run_forwarding([sys.executable, "-c", f"raise SystemExit({code})"], os.environ, terminal=False) == code


def test_a_signals_number_comes_back_negative() -> None:
    words = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert run_forwarding(words, os.environ, terminal=False) == -signal.SIGKILL


def test_handlers_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run_forwarding([sys.executable, "-c", ""], os.environ, terminal=False)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize(
    ("sent", "terminal", "patience", "received"),
    [
        (signal.SIGTERM, False, "20", [15]),
        (signal.SIGTERM, True, "20", [15]),
        (signal.SIGINT, False, "20", [2]),
        (signal.SIGINT, True, "0.3", []),  # the terminal has sent it to the child already
    ],
)
def test_signals_to_the_parent_alone_reach_the_child_once(
    sent: signal.Signals, terminal: bool, patience: str, received: list[int]
) -> None:
    program = textwrap.dedent(PARENT).format(child=CHILD, patience=patience, terminal=terminal)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=HOME, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        parent.send_signal(sent)
        assert parent.stdout.read() == f"signals {received}\ncode 7\n"
    assert parent.returncode == 0
