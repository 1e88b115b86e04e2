from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from gates.commands.serve import serve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_printed_address_leads_to_the_runs_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, interrupted: bool
) -> None:
    monkeypatch.setenv("GATES_CACHE_DIR", str(tmp_path / "cache"))
    said: list[str] = []
    found: list[str] = []

    def wait() -> None:
        address = said[0].split()[4]
        assert said[0] == f"the runs of {tmp_path.name}: {address}\n(Ctrl-C ends it)\n"
        with urlopen(address, timeout=30) as page:
            found.append(page.read().decode())
        if interrupted:
            raise KeyboardInterrupt

    serve(tmp_path, 0, said.append, wait)
    assert f"<h1>Runs of {tmp_path.name}</h1>" in found[0]
    assert list(tmp_path.iterdir()) == [], "nothing is written"
