"""A Chromium that is told what to do over two pipes, by its DevTools protocol: nothing listens on a port, and nothing is installed for it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.claims import CannotMeasure

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One page of a browser.

    Args:
        asks: descriptor that requests are written to.
        answers: descriptor that answers and events are read from.
    """

    def __init__(self, asks: int, answers: int) -> None:
        self._asks, self._answers = os.fdopen(asks, "wb", buffering=0), os.fdopen(answers, "rb")
        self._number, self._session, self._rest = 0, "", b""

    def open(self) -> None:
        """Open a page of the size of a desktop."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        size = {"width": 1360, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something, and wait for the answer.

        Raises:
            CannotMeasure: it is refused, or the browser has ended.
        """
        self._number += 1
        request = {"id": self._number, "method": method, "params": parameters}
        self._asks.write(json.dumps(request | ({"sessionId": self._session} if self._session else {})).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                if "error" in told:
                    raise CannotMeasure(f"the browser refuses {method}: {told['error'].get('message')}")
                result: dict[str, Any] = told["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._answers.read1(1 << 20)
            if not more:
                raise CannotMeasure("the browser has ended")
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(text)
        return told

    def run(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it becomes."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise CannotMeasure(f"the page fails: {told['exceptionDetails']}")
        return told["result"].get("value")

    def close(self) -> None:
        """End the browser."""
        self._asks.close()
        self._answers.close()


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A headless browser, ended afterwards.

    Raises:
        CannotMeasure: none is installed.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise CannotMeasure(f"there is no browser here: {', '.join(PROGRAMS)}")
    (heard, asks), (answers, says) = os.pipe(), os.pipe()
    heard, says = (_moved(one) for one in (heard, says))
    words = (
        program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        f"--user-data-dir={profile}", "--remote-debugging-pipe",
    )  # fmt: skip
    # The protocol takes descriptors 3 and 4.
    place = f"import os, sys; os.dup2({heard}, 3); os.dup2({says}, 4); os.execvp(sys.argv[1], sys.argv[1:])"
    start = (sys.executable, "-c", place, *words)
    silent = subprocess.DEVNULL
    process = subprocess.Popen(start, stdin=silent, stdout=silent, stderr=silent, pass_fds=(heard, says))
    os.close(heard)
    os.close(says)
    try:
        with closing(Browser(asks, answers)) as page:
            page.open()
            yield page
    finally:
        process.terminate()
        process.wait()


def _moved(descriptor: int) -> int:
    """The same pipe under a number that is not in the way."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved
