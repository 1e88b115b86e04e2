from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from gates.vcs.streams import written_by_this_job

if TYPE_CHECKING:
    from pathlib import Path


def test_what_this_job_writes_is_known_and_what_others_write_or_it_reads_is_not(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("")
    code = "import sys; print(flush=True); sys.stdin.read()"
    with (
        (tmp_path / "own").open("w"),
        (tmp_path / "read").open(),
        (tmp_path / "other").open("w") as other,
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=other, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        other.close()
        assert written_by_this_job(tmp_path) == {"own"}
        assert written_by_this_job(tmp_path / "below") == frozenset()
        process.communicate()
