"""Secrets are planted in every place that is read, and looked for in everything that is written."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.integration.project import Project, checklist, pytest_gate, python_gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = "ghp_4f7Zq81mNc0RtYuIoPaSdFgHjKlZxCvBnM12"
OF_CONFIG = "cfg-9Wm2/Xk5+Jd8=Qa"
OF_SCRIPT = "scr-7Tn4Vb1Lp6Yc3Zs0"
OF_SESSION = "ses-8Rk3Hf6Gt1Wq5Mx9"
IN_A_URL = "url-2Pz7Kd4Nj9Sb6Lv1"
LICENCE = "lic-5Gy8Cw3Bt7Fm0Dq2"
SECRETS = {
    "token": TOKEN,
    "config": OF_CONFIG,
    "script": OF_SCRIPT,
    "session": OF_SESSION,
    "url": IN_A_URL,
    "licence": LICENCE,
}

TESTS = """
    import base64, json, os, sys, warnings
    import pytest

    TOKEN, CONFIG, SESSION = (os.environ[name] for name in ("MY_TOKEN", "CONFIG_API_KEY", "SESSION_TOKEN"))
    LICENCE = os.environ["LICENCE"]
    ALL = [TOKEN, CONFIG, SESSION, LICENCE, os.environ["SERVICE"]]

    @pytest.mark.parametrize("way", [TOKEN, base64.b64encode(TOKEN.encode()).decode(), "harmless"])
    def test_in_its_id(way):
        print("printed", *ALL)
        assert way != TOKEN

    @pytest.mark.parametrize("secret", ALL, ids=["token", "config", "session", "licence", "url"])
    def test_shortened(secret):
        assert secret == "?" * len(secret)

    @pytest.mark.parametrize("size", [32_700, 32_720, 32_740])
    def test_long(size):
        print("x" * size + TOKEN + "y" * 40_000)
        raise RuntimeError("z" * (size - 31_740) + SESSION + "w" * 400)

    def test_encoded():
        for one in ALL:
            print(json.dumps(one), repr(one), base64.b64encode(b"user:" + one.encode()), one.encode().hex())
        raise ValueError(f"401 for https://me:{TOKEN}@example.org and {ALL}")

    def test_script():
        secret = os.environ["SCRIPT_PASSWORD"]
        print(secret, flush=True)
        os.write(1, secret.encode() + b"\\n")
        pytest.fail("the script said " + secret)

    def test_reasons():
        warnings.warn(f"warned of {TOKEN}")
        pytest.skip(f"no rights with {TOKEN} {CONFIG}")

    @pytest.mark.xfail(reason=f"fails with {TOKEN}")
    def test_expected():
        assert SESSION == ""
    """

JUNIT = """
    import os
    token = os.environ["MY_TOKEN"]
    open("other.xml", "w").write(f'''<testsuite name="other" tests="2" failures="1">
    <testcase classname="a" name="with {token}" time="0.1"><failure type="E" message="said {token}">{token}</failure></testcase>
    <testcase classname="a" name="b" time="0.1"/></testsuite>''')
    raise SystemExit(1)
    """


def files(project: Project) -> dict[str, str]:
    return {
        "test_it.py": TESTS,
        "other.py": JUNIT,
        "script.py": "import os\nopen(os.environ['GATES_ENV'], 'w').write("
        f"'SCRIPT_PASSWORD=' + '{OF_SCRIPT[::-1]}'[::-1] + chr(10))\nprint('left', '{OF_SCRIPT[::-1]}'[::-1])\n",
        "conftest.py": f"import os\nos.environ.setdefault('SESSION_TOKEN', {OF_SESSION[::-1]!r}[::-1])\n",
        **checklist(
            pytest_gate("-s", "-rA")
            + "[gate.test.env]\n"
            + f'CONFIG_API_KEY = {{ set = {json.dumps(OF_CONFIG)}, reason = "it is asked for" }}\n'
            + f'SESSION_TOKEN = {{ set = {json.dumps(OF_SESSION)}, reason = "likewise" }}\n',
            python_gate("other", "other.py", "--api-key", OF_CONFIG) + 'junit = ["other.xml"]\ntests = "junit"\n',
            python_gate("show", "-c", "import os; print(dict(os.environ))"),
            config="""
            base = "main"
            mask-env = ["LICENCE"]

            [[tests.overrides]]
            filter = "test(script)"
            setup = ["leave"]

            [tests.scripts.leave]
            command = [PYTHON, "script.py"]
            """.replace("PYTHON", json.dumps(__import__("sys").executable)),
        ),
    }


def pieces(secret: str) -> set[str]:
    """What must be seen nowhere: any eight characters of a secret, or of one of its forms."""
    data = secret.encode()
    written = [secret, quote(secret, safe=""), data.hex(), data.hex().upper(), json.dumps(secret).replace("/", "\\/")]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        written.append(encoded[(0, 2, 3)[offset] : -1])
    return {text[at : at + 8] for text in written for at in range(len(text) - 7)}


HIDDEN = {name: pieces(secret) for name, secret in SECRETS.items()}


def leaks(places: Mapping[str, str]) -> Iterator[str]:
    for place, text in places.items():
        for name, hidden in HIDDEN.items():
            found = sorted(piece for piece in hidden if piece in text)
            if found:
                at = text.index(found[0])
                yield f"{name} in {place}: {text[max(0, at - 60) : at + 40]!r}"


def written(project: Project) -> dict[str, str]:
    """All files that gates wrote: reports, events, and what it keeps in its cache. Checked-out sources are the project's own."""
    cache = project.folder.parent / "cache"
    paths = [*project.reports.rglob("*"), *project.folder.glob("*.events"), *cache.rglob("*")]
    found = [path for path in paths if path.is_file() and "worktrees" not in path.parts]
    return {str(path.relative_to(project.folder.parent)): path.read_text("utf-8", "replace") for path in found}


@pytest.mark.slow
def test_no_secret_finds_a_way_out(project: Project) -> None:
    project.environment |= {
        "MY_TOKEN": TOKEN,
        "LICENCE": LICENCE,
        "SERVICE": f"https://me:{IN_A_URL}@example.org/",
        "GATES_CACHE_DIR": str(project.folder.parent / "cache"),
    }
    project.write(files(project))
    project.commit("Begin")
    project.git("switch", "--quiet", "--create", f"with-{TOKEN}")
    project.write({"more.py": "x = 1\n"})
    project.commit(f"Use {TOKEN} and https://me:{IN_A_URL}@example.org")
    shown: dict[str, str] = {}
    clean: set[str] = set()

    def gates(*words: str, code: int | None = None) -> None:
        done = project.gates(*words)
        name = " ".join(words)
        shown[f"{name}: stdout"], shown[f"{name}: stderr"] = done.out, done.err
        assert code in (None, done.code), done.text
        news = {place: text for place, text in (shown | written(project)).items() if text not in clean}
        assert not list(leaks(news))
        clean.update(news.values())

    gates("run", "--events", "run.events", "-E", f"all() or test({TOKEN})", code=1)
    ids = [test.id for test in project.tests if "in_its_id" in test.id]
    assert len(ids) == len(set(ids)) == 3, "tests that look alike stay apart"
    assert sum("[masked: MY_TOKEN]" in test for test in ids) == 2
    assert "[masked: SCRIPT_PASSWORD]" in (project.reports / "logs/test.log").read_text("utf-8")
    gates("run", "--no-capture", "-g", "test", code=1)
    (project.folder / "first.jsonl").write_bytes((project.reports / "tests.jsonl").read_bytes())
    for form in ("terminal", "markdown", "github", "junit"):
        gates("report", "--format", form)
    for options in ("", "--json", "-E all()", "-E all() --json"):
        gates("list", *options.split())
    gates("explain", "test_encoded", "-E", f"test({TOKEN})")
    gates("show-config", "test_encoded")
    gates("exclusions")
    gates("list", "-g", TOKEN, code=2)
    gates("run", "-E", f"test({TOKEN}", code=2)
    gates("report", f"no/{TOKEN}", code=2)
    gates("rerun", "-g", "show")
    gates("compare", TOKEN, code=2)
    gates("compare", "main", "HEAD", "-g", "test")
    gates("compare", "other.xml", "other.xml", "--reports", "reports")
    gates("compare", "first.jsonl", "first.jsonl")
    gates("stack", "--no-run")
    gates("stack", "--no-run", "--format", "json")
    gates("clean", "--dry-run")
    gates("init", "--print", "--force")


@pytest.mark.slow
def test_a_rerun_finds_tests_that_look_alike(project: Project) -> None:
    project.environment["MY_TOKEN"] = TOKEN
    project.write(
        {
            "test_it.py": """
                import base64, os
                from pathlib import Path
                import pytest
                TOKEN = os.environ["MY_TOKEN"]

                @pytest.mark.parametrize("way", [TOKEN, TOKEN.encode().hex(), "a"])
                def test_a(way):
                    with Path("ran").open("a") as file:
                        file.write(way + "\\n")
                    assert way != TOKEN or Path("mended").exists()
                """,
            **checklist(pytest_gate()),
        }
    )
    assert project.gates("run").code == 1
    outcomes = project.outcomes
    assert sorted(outcomes.values()) == ["failed", "passed", "passed"]
    (project.folder / "ran").unlink()
    (project.folder / "mended").touch()
    assert project.gates("rerun").code == 0
    assert (project.folder / "ran").read_text().split() == [TOKEN], "the one that failed, and no other"
    (failed,) = (test for test, outcome in outcomes.items() if outcome == "failed")
    assert {test: outcome for test, outcome in project.outcomes.items() if outcome != "not-run"} == {failed: "passed"}
