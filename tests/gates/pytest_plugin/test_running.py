"""What the process of the tests guards itself against."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

BOTH = pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
MIB = 1 << 20
SUPERVISED = {"supervise": True}


@BOTH
def test_a_forked_child_that_returns_from_its_test_goes_no_further(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        import os, pytest

        @pytest.fixture
        def noted():
            yield
            with open("downs.txt", "a") as file:
                file.write(f"{os.getpid()}\\n")

        def test_first(noted):
            child = os.fork()
            if child:
                os.waitpid(child, 0)

        def test_second(): pass
        """
    )
    ran = project.injected("-W", "ignore", *options, settings=SUPERVISED)
    assert ran.outcomes == {"test_first": "passed", "test_second": "passed"}
    assert ran.exit_code == 0
    assert len((project.root / "downs.txt").read_text().splitlines()) == 1


@BOTH
def test_threads_that_tests_left_do_not_keep_the_session_from_ending(
    project: Project, options: tuple[str, ...]
) -> None:
    project.write(
        test_it="""
        import threading

        def test_leaves(): threading.Thread(target=threading.Event().wait, name="keeper").start()
        def test_fails(): assert 0
        """
    )
    ran = project.injected(*options, settings=SUPERVISED)
    assert ran.exit_code == 1
    assert ran.outcomes == {"test_leaves": "passed", "test_fails": "failed"}
    assert "gates: ended, though threads of the tests still ran: keeper" in ran.output


@BOTH
def test_the_process_of_the_tests_says_what_memory_it_took_at_most(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        def test_takes(): assert len(b"x" * (200 << 20))
        def test_takes_little(): pass
        """
    )
    ran = project.injected(*options, settings=SUPERVISED)
    peaks = {record["worker"]: record["bytes"] for record in ran.of("peak")}
    assert set(peaks) == ({"gw0"} if options else {""})
    assert 200 * MIB < max(peaks.values()) < 400 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows the peak of a process since it began its program")
def test_the_memory_of_the_process_that_started_it_is_not_its_own() -> None:
    child = "from gates.pytest_plugin.running import peak_memory; print(peak_memory())"
    parent = (
        "import subprocess, sys; held = b'x' * (300 << 20)\n"
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True, check=True).stdout)"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 200 * MIB
