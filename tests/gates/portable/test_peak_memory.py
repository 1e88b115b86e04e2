"""What a process is said to have taken of memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows the peak of a process since it began its program")
def test_the_memory_of_the_process_that_started_it_is_not_its_own() -> None:
    child = "from gates.portable.peak_memory import peak_memory; print(peak_memory())"
    parent = (
        "import subprocess, sys; held = b'x' * (300 << 20)\n"
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True, check=True).stdout)"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 200 * MIB
