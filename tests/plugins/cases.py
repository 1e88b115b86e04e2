"""A small test file for each plugin, and what is true about its tests."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILS = "def test_passes(): pass\ndef test_fails(): assert 0\n"
BOTH = {"test_passes": "passed", "test_fails": "failed"}


class Case(NamedTuple):
    """A plugin at work.

    Attributes:
        plugin: name of the distribution.
        does: what the plugin does here, for the table.
        text: of the test file.
        truth: test → outcome; ids without the file.
        options: of pytest.
        left_out: how many tests the plugin leaves out, which is said.
        parallel: it works beside pytest-xdist.
        files: other files.
        beside: other distributions whose plugins it needs.
    """

    plugin: str
    does: str
    text: str = FAILS
    truth: Mapping[str, str] = BOTH
    options: tuple[str, ...] = ()
    left_out: int = 0
    parallel: bool = True
    files: Mapping[str, str] = {}
    beside: tuple[str, ...] = ()

    @property
    def tests(self) -> str:
        """The test file."""
        return dedent(self.text).lstrip("\n")


RETRIED = """
    first, second = [], []
    def test_passes_at_last():
        first.append(1)
        assert len(first) > 1
    def test_fails(): assert 0
"""
AT_LAST = {"test_passes_at_last": "flaky", "test_fails": "failed"}

CASES = (
    Case(
        "allure-pytest", "writes its own results", options=("--alluredir=allure",),
        text="import allure\n@allure.step('step')\ndef step(): assert 0\ndef test_passes(): pass\ndef test_fails(): step()\n",
    ),
    Case(
        "anyio", "runs coroutines",
        text="""
            import pytest
            pytestmark = pytest.mark.anyio
            @pytest.fixture
            def anyio_backend(): return "asyncio"
            async def test_passes(): pass
            async def test_fails(): assert 0
        """,
    ),
    Case(
        "flaky", "runs failed tests again, and hides the first report", options=("--force-flaky",), text=RETRIED, truth=AT_LAST,
    ),
    Case("pytest-asyncio", "runs coroutines that are marked",
        text="""
            import pytest
            @pytest.mark.asyncio
            async def test_passes(): pass
            @pytest.mark.asyncio
            async def test_fails(): assert 0
            async def test_is_not_marked(): assert 0
        """,
        truth=BOTH | {"test_is_not_marked": "failed"},
    ),
    Case(
        "pytest-assume", "collects failed assertions",
        text="import pytest\ndef test_passes(): pass\ndef test_fails():\n    pytest.assume(1 == 2)\n    pytest.assume(True)\n",
    ),
    Case(
        "pytest-bdd", "makes tests of scenarios",
        text="""
            from pytest_bdd import given, scenarios, then
            scenarios("a.feature")
            @given("a start")
            def _(): pass
            @then("it passes")
            def _(): pass
            @then("it fails")
            def _(): assert 0
        """,
        files={
            "tests/a.feature": """
                Feature: both
                  Scenario: passes
                    Given a start
                    Then it passes
                  Scenario: fails
                    Given a start
                    Then it fails
            """
        },
    ),
    Case(
        "pytest-benchmark", "times a function", parallel=False,
        text="def test_passes(benchmark): benchmark(int)\ndef test_fails(benchmark):\n    benchmark(int)\n    assert 0\n",
    ),
    Case(
        "pytest-check", "collects failed checks",
        text="from pytest_check import check\ndef test_passes(): pass\ndef test_fails():\n    with check: assert 1 == 2\n    with check: assert 2 == 3\n",
    ),
    Case("pytest-cov", "measures coverage", options=("--cov=.", "--cov-report=")),
    Case(
        "pytest-custom-exit-code", "ends with exit code 0 in spite of failures",
        options=("--suppress-tests-failed-exit-code",),
    ),
    Case(
        "pytest-dependency", "skips tests whose dependency failed", parallel=False,
        text="""
            import pytest
            @pytest.mark.dependency()
            def test_fails(): assert 0
            @pytest.mark.dependency(depends=["test_fails"])
            def test_depends(): pass
        """,
        truth={"test_fails": "failed", "test_depends": "skipped"},
    ),
    Case(
        "pytest-describe", "collects tests in functions",
        text="def describe_both():\n    def passes(): pass\n    def fails(): assert 0\n",
        truth={"describe_both::passes": "passed", "describe_both::fails": "failed"},
    ),
    Case("pytest-html", "writes its own page", options=("--html=page.html",), beside=("pytest-metadata",)),
    Case("pytest-instafail", "shows failures at once", options=("--instafail",)),
    Case("pytest-json-report", "writes its own results", options=("--json-report",), beside=("pytest-metadata",)),
    Case(
        "pytest-lazy-fixtures", "takes fixtures as parameters",
        text="""
            import pytest
            from pytest_lazy_fixtures import lf
            @pytest.fixture
            def one(): return 1
            @pytest.mark.parametrize("number", [lf("one")], ids=["one"])
            def test_fails(number): assert number == 2
        """,
        truth={"test_fails[one]": "failed"},
    ),
    Case(
        "pytest-mock", "patches, and undoes it",
        text="import os\ndef test_passes(mocker): mocker.patch('os.getcwd', return_value='')\ndef test_fails(): assert os.getcwd() == ''\n",
    ),
    Case(
        "pytest-order", "changes the order",
        text="import pytest\n@pytest.mark.order(2)\ndef test_passes(): pass\n@pytest.mark.order(1)\ndef test_fails(): assert 0\n",
    ),
    Case("pytest-picked", "runs the files that git calls changed first", options=("--picked=first",)),
    Case("pytest-randomly", "shuffles, and seeds"),
    Case("pytest-random-order", "shuffles", options=("--random-order",)),
    Case(
        "pytest-repeat", "runs each test several times", options=("--count=2",),
        text="calls = []\ndef test_fails():\n    calls.append(1)\n    assert 0\n",
        truth={"test_fails[1-2]": "failed", "test_fails[2-2]": "failed"},
    ),
    Case(
        "pytest-rerunfailures", "runs failed tests again", options=("--reruns=2",),
        text=RETRIED, truth=AT_LAST,
    ),
    Case("pytest-retry", "runs failed tests again", options=("--retries=2",), text=RETRIED, truth=AT_LAST),
    Case(
        "pytest-socket", "refuses the network", options=("--disable-socket",),
        text="import socket\ndef test_passes(): pass\ndef test_fails(): socket.socket()\n",
    ),
    Case("pytest-split", "runs a part of the tests", options=("--splits=2", "--group=2"),
        text="def test_a(): pass\ndef test_b(): pass\ndef test_c(): assert 0\n", truth={"test_c": "failed"}, left_out=2,
    ),
    Case("pytest-sugar", "shows progress in another way", options=("--force-sugar",)),
    Case(
        "pytest-testmon", "leaves out what did not change", options=("--testmon",), parallel=False,
    ),
    Case(
        "pytest-timeout", "ends a test by a signal",
        text="import pytest, threading\ndef test_passes(): pass\n@pytest.mark.timeout(0.5)\ndef test_fails(): threading.Event().wait()\n",
    ),
    Case(
        "pytest-timeout", "ends the process of a test",
        text="import pytest, threading\ndef test_passes(): pass\n@pytest.mark.timeout(0.5, method='thread')\ndef test_hangs(): threading.Event().wait()\n",
        truth={"test_passes": "passed", "test_hangs": "crashed"},
    ),
    Case(
        "pytest-trio", "runs coroutines",
        text="import pytest\n@pytest.mark.trio\nasync def test_passes(): pass\n@pytest.mark.trio\nasync def test_fails(): assert 0\n",
    ),
    Case(
        "syrupy", "compares with snapshots that are not there",
        text="def test_passes(): pass\ndef test_fails(snapshot): assert {'a': 1} == snapshot\n",
    ),
)  # fmt: skip
