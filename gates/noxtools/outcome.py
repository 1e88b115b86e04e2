"""Ends a session that could not run, so that neither nox nor `gates` reports a success."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Protocol

VARIABLE = "GATES_OUTCOME"
"""The variable with the file to which a gate may write its own outcome; set by `gates run`, unset under nox alone."""


class Skips(Protocol):
    """The part of a nox session that is needed here."""

    def skip(self, *reasons: object) -> NoReturn:
        """End the session; nox reports it as skipped."""


def could_not_run(session: Skips, reason: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """End the session because the environment lacks something: not passed, but not the code's fault either.

    nox by itself reports the session as skipped, with the reason; `gates run` reports the gate as could-not-run.
    """
    target = environ.get(VARIABLE)
    if target:
        text = json.dumps({"outcome": "could-not-run", "reason": reason}, ensure_ascii=False)
        Path(target).write_text(text + "\n", encoding="utf-8")
    session.skip("could not run: " + reason)
