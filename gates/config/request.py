"""What the user asks for, before profile and config are applied."""

from __future__ import annotations

import msgspec

from gates.config.values import NoTests
from gates.portable.values import VARIABLES
from gates.results.outstanding import Outstanding, Part


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for on the command line; None and empty mean: as in profile and config.

    Attributes:
        gates: names after `--gate`.
        if_there: those of them that are ignored if the subject does not have them.
        profile: name after `--profile`.
        filter: the expression after `-E`.
        jobs: gates at a time.
        test_timeout: seconds for a test.
        include_excluded: also run excluded tests.
        ignore_default_filter: ignore the profile's filter.
        no_tests: what to do when no test is selected.
        retries: how often a failed test is retried.
        partition: the part of the selected tests that runs.
        global_timeout: seconds for the whole run.
        stall_timeout: seconds without any sign of life from a gate that runs tests.
        max_fail: after how many failures no test starts, and what happens to running tests: `3:wait`.
        order: in which tests run.
        seed: for the random order.
        stress_count: how often each test runs.
        stress_duration: seconds for which each test is repeated.
        workers: worker count for `pytest -n auto`.
        only: gate → the tests that run; other gates run all of theirs.
        needs: also run the gates that the chosen ones need; False only if these just ran in the same folder.
        rest: what is outstanding of the run that this one continues: no other gates are chosen.
        notes: what else the reader should know.
        no_capture: show test output live.
        status_level, final_status_level, failure_output, success_output: see `config.values.Output`.
        no_install: reuse environments as they are (`nox -R`).
        variables: options whose values came from the environment.
    """

    gates: tuple[str, ...] = ()
    if_there: frozenset[str] = frozenset()
    profile: str = ""
    filter: str = ""
    jobs: int | None = None
    test_timeout: float | None = None
    include_excluded: bool = False
    ignore_default_filter: bool = False
    no_tests: NoTests | None = None
    retries: int | None = None
    partition: str = ""
    global_timeout: float | None = None
    stall_timeout: float | None = None
    max_fail: str = ""
    order: str = ""
    seed: int | None = None
    stress_count: int = 0
    stress_duration: float | None = None
    workers: int | None = None
    only: dict[str, Part] = {}
    needs: bool = True
    rest: Outstanding | None = None
    notes: tuple[str, ...] = ()
    no_capture: bool = False
    status_level: str = ""
    final_status_level: str = ""
    failure_output: str = ""
    success_output: str = ""
    no_install: bool = False
    variables: frozenset[str] = frozenset()

    def source(self, option: str) -> str:
        """Where an option came from."""
        return VARIABLES[option] if option in self.variables else f"--{option.replace('_', '-')}"
