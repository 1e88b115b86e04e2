"""Work in a thread beside this one. Importing concurrent.futures takes as long as a git command."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Self, TypeVar

_Result = TypeVar("_Result")


class Aside(Generic[_Result]):
    """Runs the work while its block is open; the block ends after the work."""

    def __init__(self, work: Callable[[], _Result]) -> None:
        self._work = work
        self._results: list[_Result] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 (raised where the result is needed)
            self._errors.append(error)

    def result(self) -> _Result:
        """The result; waits for it.

        Raises:
            BaseException: what the work raised.
        """
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]
