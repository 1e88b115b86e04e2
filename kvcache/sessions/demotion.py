"""Store unused sessions in smaller types, the smaller the longer they are unused, so that more of them fit."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from kvcache import checks
from kvcache.errors import InvalidSizeError, OutOfMemoryError
from kvcache.sessions.manager import KVCacheManager


@dataclass(frozen=True, slots=True, init=False)
class Demotion:
    """A policy: after how many seconds without a use a session is stored in which encoding.

    Attributes:
        steps: seconds and encodings, the shortest time first.

    Raises:
        InvalidSizeError: there is no step, or a time is not finite and above 0.
    """

    steps: tuple[tuple[float, str], ...]

    def __init__(self, steps: Mapping[float, str]) -> None:
        found = sorted((checks.seconds("demotion", seconds), encoding) for seconds, encoding in steps.items())
        if not found or found[0][0] <= 0:
            raise InvalidSizeError("demotion", expected="times above 0 seconds", got=dict(steps))
        object.__setattr__(self, "steps", tuple(found))

    def run(self, manager: KVCacheManager, now: float | None = None) -> dict[str, str]:
        """Recode every session that went unused for long enough and is not in use; call it from time to time, as `expire`.

        No session becomes larger. Handles on those that were recoded are stale; a prefix index must record them anew.

        Args:
            manager: whose sessions.
            now: seconds; None: the time of the manager's clock.

        Returns:
            The sessions that were recoded, and their encodings.

        Raises:
            DtypeError: there is no such encoding, or the layout is not one of float32.
            ClosedError: the manager is closed.
        """
        done = dict[str, str]()
        for seconds, encoding in reversed(self.steps):
            size = manager.layout.for_encoding(encoding).token_bytes
            for name, token_bytes in manager.unused_for(seconds, now).items():
                if name not in done and size < token_bytes:
                    with suppress(OutOfMemoryError):  # there is no room for both; perhaps next time
                        if manager.recode(name, encoding):
                            done[name] = encoding
        return done
