"""SIGTERM and SIGHUP end a command like Ctrl-C: cleanly, releasing what it holds, with exit code 130."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

NAMES = ("SIGTERM", "SIGHUP")


@contextmanager
def heard() -> Iterator[None]:
    """Turn them into `KeyboardInterrupt`. Signals that were ignored at the start (`nohup`) stay ignored; a run handles them itself."""
    numbers = [number for name in NAMES if (number := getattr(signal, name, None)) is not None]
    changed = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
