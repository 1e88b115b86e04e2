"""What the process of the tests guards itself against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

BOTH = pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
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
