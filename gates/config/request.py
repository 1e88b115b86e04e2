"""What the user asks of a run, before profile and config have their say."""

from __future__ import annotations

import msgspec

from gates.config.values import NoTests
from gates.portable.values import VARIABLES
from gates.results.outstanding import Outstanding, Part


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for on the command line; None and empty leave it to profile and config.

    Attributes:
        gates: names after `--gate`.
        if_there: those of them that are left out where the subject does not have them.
        profile: name after `--profile`.
        filter: the expression after `-E`.
        jobs: gates at a time.
        test_timeout: seconds for a test.
        include_excluded: run what the ledger excludes.
        ignore_default_filter: the profile's filter does not hold.
        no_tests: what it means when nothing is selected.
        retries: further attempts of a test that failed.
        partition: the part of the selected tests that runs.
        global_timeout: seconds for the whole run.
        stall_timeout: seconds without any sign of life from a gate that runs tests.
        max_fail: tests that may fail, and what happens then to those that run: `3:wait`.
        order: in which tests run.
        seed: of the random order.
        stress_count: how often each test runs.
        stress_duration: seconds for which each test runs again and again.
        workers: answer to `pytest -n auto`.
        only: gate → the tests that run; a gate that is not named runs all of its.
        needs: gates that the chosen ones need run, too; False only where these ran in the same folder a moment ago.
        rest: what is outstanding of the run whose rest this one runs: no other gates are chosen.
        notes: what else the reader should know.
        no_capture: output of tests goes to the terminal as it comes.
        status_level, final_status_level, failure_output, success_output: see `config.values.Output`.
        no_install: reuse environments as they are (`nox -R`).
        variables: options that were not given, and taken from the environment.
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
