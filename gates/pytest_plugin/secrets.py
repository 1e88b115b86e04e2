"""The secrets of this test process: text that may be cut or rewritten must be masked first.

The runner masks everything that it reads, but it cannot find a secret in a text that was shortened, or whose numbers
were replaced, here. It is told about secrets that only this process has: a nox session or a setup script may set some.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..portable.masking import Mask
from ..portable.masking.handover import taken_over
from ..portable.originals import os
from ..portable.stream import RecordStream


class SecretMasker:
    """Owns the mask of this process."""

    def __init__(self) -> None:
        self.mask = Mask()
        self._stream: RecordStream | None = None

    def begin(self, told: Mapping[str, Any], stream: RecordStream) -> None:
        """Collect the secrets of the environment, and tell the runner about those that it does not know.

        Args:
            told: the runner's message about secrets.
            stream: the stream to the runner.
        """
        self._stream = stream
        self.mask, unknown = taken_over(told, os.environ)
        self._tell(unknown)

    def learn(self, variables: Mapping[str, str]) -> None:
        """Add variables before a test gets them."""
        self._tell(self.mask.learn(variables))

    def _tell(self, variables: Mapping[str, str]) -> None:
        if variables and self._stream is not None:
            self._stream.write("secrets", variables=dict(variables))


SECRETS = SecretMasker()
"""The mask of this process: a global, because texts are cut in many places."""


def hide(text: str) -> str:
    """`text` without secrets."""
    return SECRETS.mask.text(text)
