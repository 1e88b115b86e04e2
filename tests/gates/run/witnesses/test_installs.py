"""Only an installer, in its own words, tells what keeps packages from being installed. The texts are of uv 0.9 and pip 25."""

from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.run.witnesses import nox_witness
from gates.run.witnesses.installs import install_trouble

UV, PIP = "uv pip install thing", "python -m pip install thing"


def ended(command: str, said: str, *, silent: bool = True) -> str:
    """The end of a session's log."""
    failed = f"nox > Command {command} failed with exit code 1"
    output = f"{failed}:\nnox > {said}\n" if silent else f"{said}\n{failed}\n"
    return f"nox > Running session test\nnox > {command}\n{output}nox > Session test failed."


NOT_FOUND = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because thing was not found in the package registry and you require thing, we can conclude that your "
    "requirements are unsatisfiable."
)
NO_VERSION = NOT_FOUND.replace("thing was not found in the package registry", "there is no version of thing==9")
REFUSED = "error: Failed to fetch: http://127.0.0.1:9/thing/\n  cause: tcp connect error\n  cause: Connection refused"
FULL = "error: Failed to query Python interpreter\n  cause: failed to write to file `/x`: No space left on device (os error 28)"
BUILD = (
    "error: The build backend returned an error\n  cause: Call to `setuptools.build_meta` failed (exit status: 1)\n"
    "         [stderr]\nerror: Connection refused"
)
PIP_NONE = (
    "Looking in indexes: https://example.org/simple\n"
    "ERROR: Could not find a version that satisfies the requirement thing (from versions: none)\n"
    "ERROR: No matching distribution found for thing"
)
PIP_NETWORK = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n" + PIP_NONE
PIP_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
PIP_BUILD = "  error: subprocess-exited-with-error\n  ERROR: Connection refused\nERROR: Failed to build 'thing'"


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        pytest.param(ended(UV, NOT_FOUND), "was not found in the package registry", id="uv knows no such package"),
        pytest.param(ended(UV, REFUSED), "Failed to fetch: http://127.0.0.1:9/thing/", id="uv reaches no index"),
        pytest.param(ended(UV, FULL), "No space left on device", id="uv has no room"),
        pytest.param(ended("uv sync", REFUSED, silent=False), "Failed to fetch", id="uv shows its output"),
        pytest.param(ended("uv venv .nox/test", FULL), "No space left on device", id="no room for the environment"),
        pytest.param(ended(PIP, PIP_NONE), "from versions: none", id="pip knows no such package"),
        pytest.param(ended(PIP, PIP_NETWORK), "connection broken by", id="pip reaches no index"),
        pytest.param(ended(PIP, PIP_FULL), "No space left on device", id="pip has no room"),
        pytest.param(ended(UV, f"\x1b[31m{REFUSED}\x1b[0m"), "Failed to fetch", id="in colour"),
        pytest.param(ended(UV, NO_VERSION), "", id="a version that does not exist is a mistake"),
        pytest.param(ended(PIP, PIP_NONE.replace("none", "1.0, 1.1")), "", id="of pip, too"),
        pytest.param(ended(UV, BUILD), "", id="code that failed while it was built"),
        pytest.param(ended(PIP, PIP_BUILD), "", id="under pip, too"),
        pytest.param(ended("pytest", REFUSED, silent=False), "", id="a test that prints it"),
        pytest.param(
            ended("pytest", ended(UV, REFUSED).removesuffix("\nnox > Session test failed."), silent=False), "",
            id="a test that prints all of it",
        ),
        pytest.param(ended(UV, "Connection refused"), "", id="not in the installer's own words"),
        pytest.param(ended(UV, REFUSED) + "\nmore", "", id="nox did not have the last word"),
        pytest.param(ended(UV, "").replace("failed", "ended"), "", id="nothing failed"),
        pytest.param("", "", id="no log"),
    ],
)  # fmt: skip
def test_what_an_installer_says_of_the_world_is_the_environments_fault(tail: str, expected: str) -> None:
    found = install_trouble(tail)
    assert expected in found
    assert bool(found) is bool(expected)


@pytest.mark.parametrize(
    ("result", "tail", "outcome"),
    [
        ("failed", ended(UV, REFUSED), GateOutcome.COULD_NOT_RUN),
        ("aborted", ended(UV, REFUSED), GateOutcome.FAILED),
        ("failed", ended(UV, BUILD), GateOutcome.FAILED),
    ],
)
def test_a_session_that_cannot_install_could_not_run(result: str, tail: str, outcome: GateOutcome) -> None:
    report = {"sessions": [{"name": "test", "signatures": ["test"], "result": result, "reason": None}]}
    witness = nox_witness(report, "test", tail)
    assert witness.outcome is outcome
    assert ("packages cannot be installed: Failed to fetch" in witness.detail) is (outcome is GateOutcome.COULD_NOT_RUN)
