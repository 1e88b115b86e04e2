"""Ends a session that could not run, so that neither nox nor `gates` takes it for a success."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Protocol

VARIABLE = "GATES_OUTCOME"
"""Names the file in which a gate may state its own outcome; set by `gates run`, unset under nox alone."""


class Skips(Protocol):
    """What is needed of a nox session."""

    def skip(self, *reasons: object) -> NoReturn:
        """Leave the session; nox reports it as skipped."""


def could_not_run(session: Skips, reason: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Leave the session because the environment lacks something: not passed, and not the code's fault either.

    nox by itself reports the session as skipped, with the reason; `gates run` reports the gate as could-not-run.
    """
    target = environ.get(VARIABLE)
    if target:
        text = json.dumps({"outcome": "could-not-run", "reason": reason}, ensure_ascii=False)
        Path(target).write_text(text + "\n", encoding="utf-8")
    session.skip("could not run: " + reason)
