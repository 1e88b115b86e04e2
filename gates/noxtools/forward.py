"""Runs a program that ends its own children, and forwards to it the signals that only its parent gets.

nox waits for an interrupted child, but SIGTERM ends nox without telling the child: what `nox` started would then
go on unattended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType


def run_forwarding(command: Sequence[str], environ: Mapping[str, str], *, terminal: bool | None = None) -> int:
    """Run the command to its end and return its exit code, negative for a signal.

    Args:
        command: the program and its arguments.
        environ: its environment variables.
        terminal: whether Ctrl-C comes from a terminal, which sends it to the whole process group: forwarding it would
            then interrupt twice, and programs treat a second one as impatience. None: find out.
    """
    from_terminal = _has_terminal() if terminal is None else terminal
    # Signals are forwarded only once the child exists; its handlers are its own business.
    with subprocess.Popen(command, env=dict(environ)) as process:

        def hand_on(number: int, _frame: FrameType | None) -> None:
            if number != signal.SIGINT or not from_terminal:
                process.send_signal(number)

        before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _has_terminal() -> bool:
    # It must be in the foreground of a terminal: `nox &` gets no Ctrl-C from it.
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
