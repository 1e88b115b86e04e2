"""How common test runners write JUnit, so that tests can be compared by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

RUNNERS: tuple[tuple[str, str, str], ...] = (
    (r"cargo (?:\S+ )*nextest", "cargo nextest", '[profile.ci.junit] path = "junit.xml" in .config/nextest.toml, and --profile ci'),
    (r"cargo (?:\S+ )*test", "cargo test", 'cargo nextest, with [profile.ci.junit] path = "junit.xml", and --profile ci'),
    (r"go (?:\S+ )*test|gotestsum", "go test", "gotestsum --junitfile junit.xml"),
    (r"ctest", "ctest", "ctest --output-junit junit.xml"),
    (r"vitest", "vitest", "vitest run --reporter=junit --outputFile=junit.xml"),
    (r"jest", "jest", "the reporter jest-junit"),
    (r"mocha", "mocha", "the reporter mocha-junit-reporter"),
    (r"playwright", "playwright", "playwright test --reporter=junit"),
    (r"node (?:\S+ )*--test", "node --test", "node --test --test-reporter=junit --test-reporter-destination=junit.xml"),
    (r"(?:npm|yarn|pnpm) (?:run )?test|npm t\b", "npm test", "the JUnit reporter of its runner (jest-junit, vitest --reporter=junit, …)"),
    (r"mvnw?|mvn", "maven", 'junit = ["target/surefire-reports/*.xml"]: it always writes them'),
    (r"gradlew?", "gradle", 'junit = ["build/test-results/test/*.xml"]: it always writes them'),
    (r"dotnet (?:\S+ )*test", "dotnet test", "dotnet test --logger junit (package JunitXml.TestLogger)"),
    (r"phpunit", "phpunit", "phpunit --log-junit junit.xml"),
    (r"rspec", "rspec", "rspec --format RspecJunitFormatter --out junit.xml"),
    (r"swift (?:\S+ )*test", "swift test", "swift test --xunit-output junit.xml"),
    (r"bats", "bats", "bats --report-formatter junit --output ."),
    (r"pytest|py\.test", "pytest", 'tests = "pytest": gates then reads its results itself'),
    (r"tox", "tox", "pytest --junitxml=junit.xml in the environment's commands"),
)  # fmt: skip
"""A pattern for a command, the runner's name, and what to use; the first match counts."""


def junit_hint(commands: Iterable[str]) -> str:
    """`go test: gotestsum --junitfile junit.xml` for the runners in these commands; empty if none is known."""
    found: dict[str, str] = {}
    for command in commands:
        for pattern, name, what in RUNNERS:
            if re.search(rf"(?:^|[\s/;&|'\"(])(?:{pattern})(?:$|[\s;&|'\")])", command):
                found.setdefault(name, what)
                break
    return "; ".join(f"{name}: {what}" for name, what in found.items())
