"""A stream that masks secrets and commands to CI systems in everything written to it."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gates.config import Config
    from gates.portable.escapes import Commands
    from gates.portable.masking import Mask


class Secrets:
    """The secrets of this process, and of the projects whose config it has read so far."""

    def __init__(self) -> None:
        self._read = -1
        self._mask: Mask | None = None

    @property
    def mask(self) -> Mask:
        """Made when something is shown. It reads no config: the command does."""
        load = sys.modules.get("gates.config.load")
        configs: list[Config] = load.READ if load is not None else []
        if self._mask is None or len(configs) != self._read:
            from gates.portable.masking import Mask

            self._read = len(configs)
            self._mask = Mask(os.environ) if load is None else _mask_of(configs)
        return self._mask


def _mask_of(configs: list[Config]) -> Mask:
    from gates.config.secrets import mask_of
    from gates.portable.masking import Mask

    return mask_of(configs, os.environ, Mask)


SECRETS = Secrets()


def allow_commands() -> None:
    """From now on, output contains commands of gates for the CI system, and passes unchanged."""
    if isinstance(sys.stdout, Shown):
        sys.stdout.own = True


def say(text: str, *, as_json: bool = False, err: bool = False) -> None:
    """Print lines that contain foreign text: names of tests, notes, errors."""
    from gates.portable.escapes import clean, clean_json

    stream = sys.stderr if err else sys.stdout
    stream.write(clean_json(text) if as_json else clean(text))


class Shown(io.TextIOWrapper):
    """Masks secrets, and neutralises commands unless gates itself writes them (`own`)."""

    own = False
    _commands: Commands | None = None

    def write(self, text: str) -> int:
        """Show a text."""
        shown = SECRETS.mask.text(text)
        if not self.own:
            if self._commands is None:
                from gates.portable.escapes import Commands

                self._commands = Commands()
            shown = self._commands.inert(shown)
        super().write(shown)
        return len(text)
