"""A secret in the environment is in no report and on no screen, whatever prints it."""

from __future__ import annotations

import html
import json

import pytest

from tests.integration.project import Project, nox_session, noxfile, pytest_session

PLAIN = "tok-4711-abcdef"
ODD = "p\"ss\\word 'q' ä</x>&"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"

TESTS = """
    import json
    import os
    import sys
    import warnings

    import pytest

    TOKEN, ODD, KEY = (os.environ[name] for name in ("MY_API_TOKEN", "DB_PASSWORD", "PRIVATE_KEY"))

    @pytest.mark.parametrize("token", [TOKEN])
    def test_in_its_id(token):
        print("printed", TOKEN, ODD, KEY)
        print(json.dumps([TOKEN, ODD, KEY]), repr(ODD), file=sys.stderr)

    def test_in_an_assertion():
        assert TOKEN == "something else"

    def test_in_an_odd_assertion():
        assert ODD == ""

    def test_in_a_message():
        raise RuntimeError(f"401 for {TOKEN} and {ODD}")

    def test_in_a_reason():
        pytest.skip(f"no rights with {TOKEN}")

    def test_in_a_key():
        for line in KEY.splitlines():
            print("line", line)
        assert KEY == "?"

    def test_in_a_local_variable():
        here = {"token": TOKEN}
        del here["absent"]
    """


def forms(secret: str) -> set[str]:
    """A secret as it is, and as JSON, Python and XML write it."""
    written = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return written | {html.escape(text) for text in written} | {html.escape(text, quote=False) for text in written}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2", "--showlocals")], ids=["alone", "xdist"])
def test_a_secret_is_nowhere(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        {"test_it.py": TESTS, "gates.toml": 'mask-env = ["LICENCE"]\nrecord-env = ["LICENCE", "COLOUR"]\n'}
        | noxfile(
            pytest_session(*options, "-s", "-rA"),
            nox_session(
                "show", "PYTHON, '-c', 'import os; print(dict(os.environ)); print(os.environ[\"PRIVATE_KEY\"])'"
            ),
        )
    )
    secrets = {"MY_API_TOKEN": PLAIN, "DB_PASSWORD": ODD, "PRIVATE_KEY": KEY, "LICENCE": "licence-1234"}
    done = project.gates("run", "-E", f"all() or test({PLAIN})", environment={**secrets, "COLOUR": "green-as-grass"})
    assert done.code == 1
    assert len(project.tests) == 7, done.text
    assert project.gate("test").outcome == "failed"
    assert not project.gate("test").inconsistent, project.gate("test").reason
    hidden: set[str] = set().union(*(forms(secret) for secret in (PLAIN, ODD, "licence-1234", *KEY.splitlines())))
    places = {path: path.read_text(encoding="utf-8") for path in project.reports.rglob("*") if path.is_file()}
    assert {path.name for path in places} >= {
        "run.json",
        "tests.jsonl",
        "junit.xml",
        "summary.md",
        "test.log",
        "show.log",
    }
    for name, text in [*places.items(), ("stdout", done.out), ("stderr", done.err)]:
        found = {secret for secret in hidden if secret in text}
        assert not found, f"{found} in {name}"
    assert any("[masked: MY_API_TOKEN]" in test.id for test in project.tests)
    assert project.run.environment.variables["COLOUR"] == "green-as-grass", "only this one was asked for"
    assert "[masked: LICENCE]" in project.run.environment.variables["LICENCE"]


@pytest.mark.slow
def test_a_value_that_is_everywhere_hides_nothing(project: Project) -> None:
    """A password like an outcome or a number must not make the run unreadable."""
    project.write({"test_it.py": "def test_a(): print(123456, 'passed')\n"} | noxfile(pytest_session("-s")))
    environment = {
        "DB_PASSWORD": "passed",
        "MY_TOKEN": "123456",
        "API_TOKEN": "outcome",
        "X_SECRET": "a",
        "Y_SECRET": "",
    }
    done = project.gates("run", environment=environment)
    assert done.code == 0, done.text
    assert project.outcomes == {"test_it.py::test_a": "passed"}
    log = (project.reports / "logs" / "test.log").read_text()
    assert "[masked: MY_TOKEN] [masked: DB_PASSWORD]" in log
