from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from gates.config import Config, GateConfig, Profile, find_root, load_config
from gates.config.tables import GATE, JUNIT, PROFILE, TOP
from gates.portable.exclusions import Exclusion
from gates.portable.rules import NONE, Override, SetupScript
from gates.portable.settings.declare import replace
from gates.results import EnvironmentChange
from tests.gates.config.sample import load

if TYPE_CHECKING:
    from pathlib import Path


EVERYTHING = """
base = "develop"
jobs = 3
timeout = "10m"
test-timeout = 2.5
accept-could-not-run = ["lint"]
record-env = ["CI"]
mask-env = ["SECRET"]
reports = "out/reports"
nox-args = ["--no-error-on-missing-interpreters"]
supervise = false
global-timeout = "1h"
stall-timeout = "5m"
accept-exclusions = ["scaffold"]
accept-weakened = ["removed-test-12ab34=the feature is gone"]
base-failures = "block"
unrelated = ["docs/**"]
scope = ["src/**"]
merge-command = "land {branch}"
no-tests = "warn"
timing-budget = "2m"
timing-threshold = 0.1
worktree-copy = [".env"]
worktree-link = ["models/**"]
worktree-disk = "2.5 GB"

[gate.lint]
session = "style-3.11"
args = ["--fast"]
title = "Style"
timeout = 30
needs = ["build"]
junit = ["target/*.xml"]
reports = ["junit.xml"]
tests = "junit"
cwd = "sub/folder"

[gate.lint.env]
RUSTC_WRAPPER = { set = "", reason = "the wrapper is broken" }
CACHE = { unset = true, reason = "hides errors" }

[gate."build it"]
command = "cargo build --features 'a b'"

[gate.list]
command = ["sh", "-c", "A=1 true"]

[profile.quick]
gates = ["lint"]
filter = "test(a) and not test(b)"
jobs = 1
test-timeout = "5s"
include-excluded = true
no-tests = "pass"
global-timeout = "10m"
stall-timeout = "1m"
max-fail = "3:immediate"
order = "failed-first"
workers = 2
status-level = "pass"
final-status-level = "fail"
failure-output = "immediate"
success-output = "never"

[profile.quick.tests]
retries = 1
setup = "database"

[tests]
flaky-result = "fail"

[tests.groups."a b"]
max-threads = 2

[tests.scripts.database]
command = "sh 'a b.sh'"
timeout = "2m"

[tests.scripts.other]
command = ["true"]

[[tests.overrides]]
filter = "mark(net)"
retries = { count = 2, backoff = "exponential", delay = "1s", max-delay = 10, jitter = true, on = ["timeout"] }

[[tests.overrides]]
filter = "test(slow)"
slow-timeout = { period = "1m", terminate-after = 2, grace = 0 }

[exclusions.scaffold]
filter = "test(scaffold)"
reason = "unwritten"
category = "unimplemented"
owner = "ada"
expires = 2027-01-31

[quarantine.shaky]
filter = "test(shaky)"
reason = "races with the clock"
category = "flaky"
owner = "bob"
expires = 2027-02-28
issue = "#7"
signature = "AssertionError: assert # < # @ tests/test_a.py:test_shaky"

[gate.checks]
command = "make checks"
findings = ["out/ruff.sarif", "mypy.json"]
coverage = ["coverage.xml"]
versions = ["rustc --version", ["my tool", "-V"]]

[gate.style]
command = "make style"
findings = "log"

[junit]
max-size = "2 GiB"
max-depth = 20
max-attribute = 70000
max-text = "1 MiB"
accept = ["tests-count-assertions"]
passed-words = ["fine"]
silent-elements = ["trace"]
"""


def test_every_setting_arrives_in_the_config(tmp_path: Path) -> None:
    config = load(tmp_path, EVERYTHING)
    assert config == Config(
        root=tmp_path,
        path=tmp_path / "gates.toml",
        base="develop",
        jobs=3,
        timeout=600.0,
        test_timeout=2.5,
        accept_could_not_run=("lint",),
        record_env=("CI",),
        mask_env=("SECRET",),
        reports="out/reports",
        nox_args=("--no-error-on-missing-interpreters",),
        supervise=False,
        global_timeout=3600.0,
        stall_timeout=300.0,
        accept_exclusions=("scaffold",),
        accept_weakened=("removed-test-12ab34=the feature is gone",),
        base_failures="block",
        unrelated=("docs/**",),
        scope=("src/**",),
        merge_command="land {branch}",
        junit={
            "max_size": 2 << 30,
            "max_depth": 20,
            "max_attribute": 70_000,
            "max_text": 1 << 20,
            "accept": ("tests-count-assertions",),
            "passed_words": ("fine",),
            "silent_elements": ("trace",),
        },
        no_tests="warn",
        timing_budget=120.0,
        timing_threshold=0.1,
        worktree_copy=(".env",),
        worktree_link=("models/**",),
        worktree_disk=2_500_000_000,
        gates={
            "lint": GateConfig(
                name="lint",
                session="style-3.11",
                args=("--fast",),
                title="Style",
                timeout=30.0,
                needs=("build",),
                junit=("target/*.xml",),
                reports=("junit.xml",),
                tests="junit",
                cwd="sub/folder",
                env=(
                    EnvironmentChange(name="RUSTC_WRAPPER", value="", reason="the wrapper is broken"),
                    EnvironmentChange(name="CACHE", value=None, reason="hides errors"),
                ),
            ),
            "build it": GateConfig(name="build it", command=("cargo", "build", "--features", "a b")),
            "list": GateConfig(name="list", command=("sh", "-c", "A=1 true")),
            "checks": GateConfig(
                name="checks",
                command=("make", "checks"),
                findings=("out/ruff.sarif", "mypy.json"),
                versions=(("rustc", "--version"), ("my tool", "-V")),
                coverage=("coverage.xml",),
            ),
            "style": GateConfig(name="style", command=("make", "style"), findings="log"),
        },
        profiles={
            "quick": Profile(
                name="quick",
                gates=("lint",),
                filter="test(a) and not test(b)",
                jobs=1,
                test_timeout=5.0,
                include_excluded=True,
                no_tests="pass",
                global_timeout=600.0,
                stall_timeout=60.0,
                max_fail="3:immediate",
                order="failed-first",
                workers=2,
                status_level="pass",
                final_status_level="fail",
                failure_output="immediate",
                success_output="never",
                rules=(
                    Override(
                        "gates.toml:65",
                        "",
                        {"retries": {**NONE, "on": ["failed", "error"], "count": 1}, "setup": ["database"]},
                    ),
                ),
            )
        },
        rules=(
            Override(
                "gates.toml:82",
                "mark(net)",
                {
                    "retries": {
                        "count": 2,
                        "backoff": "exponential",
                        "delay": 1.0,
                        "max_delay": 10.0,
                        "jitter": True,
                        "on": ["timeout"],
                    }
                },
            ),
            Override(
                "gates.toml:86", "test(slow)", {"slow_timeout": {"period": 60.0, "terminate_after": 2, "grace": 0.0}}
            ),
            Override("gates.toml:69", "", {"flaky_result": "fail"}),
        ),
        groups={"a b": 2},
        scripts={"database": SetupScript(("sh", "a b.sh"), 120.0), "other": SetupScript(("true",))},
        exclusions=(
            Exclusion(
                name="scaffold",
                filter="test(scaffold)",
                reason="unwritten",
                category="unimplemented",
                owner="ada",
                expires=dt.date(2027, 1, 31),
            ),
        ),
        quarantine=(
            Exclusion(
                name="shaky",
                filter="test(shaky)",
                reason="races with the clock",
                category="flaky",
                owner="bob",
                expires=dt.date(2027, 2, 28),
                issue="#7",
                signature="AssertionError: assert # < # @ tests/test_a.py:test_shaky",
            ),
        ),
    )


def test_the_example_above_sets_every_field_that_there_is() -> None:
    keys = set(re.findall(r"^([a-z-]+) = ", EVERYTHING, re.MULTILINE))
    assert keys | {"env"} >= set(TOP) | set(GATE) | set(PROFILE) | set(JUNIT)


def test_pyproject_holds_the_same_config_below_its_own_table(tmp_path: Path) -> None:
    own = load(tmp_path, EVERYTHING)
    (tmp_path / "gates.toml").unlink()
    text = "[tool.gates]" + re.sub(r"(?m)^(\[+)", r"\1tool.gates.", EVERYTHING)
    shared = load(tmp_path, text, "pyproject.toml")
    assert shared.path == tmp_path / "pyproject.toml"
    assert (shared.gates, shared.exclusions) == (own.gates, own.exclusions)
    one, other = (replace(config.profiles["quick"], rules=()) for config in (shared, own))
    assert one == other
    rules, others = (
        [(layer.filter, layer.settings) for layer in (*config.profiles["quick"].rules, *config.rules)]
        for config in (shared, own)
    )
    assert rules == others


@pytest.mark.parametrize(
    ("name", "text"),
    [(None, ""), ("gates.toml", ""), ("pyproject.toml", ""), ("pyproject.toml", "[tool.other]\na = 1\n")],
)
def test_a_project_that_says_nothing_has_the_defaults(tmp_path: Path, name: str | None, text: str) -> None:
    if name:
        (tmp_path / name).write_text(text)
    config = load_config(tmp_path)
    assert (config.timeout, config.test_timeout, config.reports, config.gates) == (1800.0, None, "reports", {})


@pytest.mark.parametrize("mark", ["gates.toml", "noxfile.py", "pyproject.toml", ".git"])
def test_the_root_is_the_nearest_folder_upward_that_says_so(tmp_path: Path, mark: str) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / mark).touch()
    assert find_root(deep) == tmp_path / "a"
    assert find_root(tmp_path / "a") == tmp_path / "a"
    assert find_root(tmp_path) == tmp_path
