from __future__ import annotations

from pathlib import Path

import pytest

from gates.noxtools.interpreters import Interpreter
from gates.noxtools.newest import newest

ELEVEN = Interpreter((3, 11, 7), Path("/bin/python3.11"), "running")
TWELVE = Interpreter((3, 12, 1), Path("/pyenv/3.12.1"), "pyenv")
THIRTEEN = Interpreter((3, 13, 0), Path("/pyenv/3.13.0"), "pyenv")
OTHER_THIRTEEN = Interpreter((3, 13), Path("/bin/python3.13"), "path")
FIFTEEN = Interpreter((3, 15), Path("/bin/python3.15"), "path")
EVERY = (ELEVEN, TWELVE, THIRTEEN, OTHER_THIRTEEN, FIFTEEN)
MACHINE = {ELEVEN.path: "3.11.7", TWELVE.path: "3.12.1", THIRTEEN.path: "3.13.0", OTHER_THIRTEEN.path: "3.13.2"}


@pytest.mark.parametrize(
    ("found", "running", "expected"),
    [
        ((TWELVE, THIRTEEN), ELEVEN, THIRTEEN),
        (EVERY, ELEVEN, THIRTEEN),
        ((ELEVEN, OTHER_THIRTEEN), ELEVEN, Interpreter((3, 13, 2), OTHER_THIRTEEN.path, "path")),
        ((FIFTEEN,), ELEVEN, None),
        ((ELEVEN,), ELEVEN, None),
        (EVERY, THIRTEEN, None),
        ((), ELEVEN, None),
    ],
    ids=[
        "newest",
        "one that does not run is passed over",
        "version as it says",
        "no other runs",
        "alone",
        "is it",
        "none",
    ],
)
def test_the_newest_one_that_runs_is_taken(
    found: tuple[Interpreter, ...], running: Interpreter, expected: Interpreter | None
) -> None:
    assert newest(">=3.11", found, running, MACHINE.get) == expected
