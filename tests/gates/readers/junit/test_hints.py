"""Whoever has no test results is told how the own test runner writes them."""

from __future__ import annotations

import pytest

from gates.readers.junit.hints import junit_hint


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cargo test --offline", "cargo test: cargo nextest"),
        ("cargo +nightly test", "cargo test: cargo nextest"),
        ("cargo nextest run", "cargo nextest: [profile.ci.junit]"),
        ("cd core && go test ./...", "go test: gotestsum --junitfile"),
        ("ctest --test-dir build", "ctest: ctest --output-junit"),
        ("npx vitest run", "vitest: vitest run --reporter=junit"),
        ("./node_modules/.bin/jest", "jest: the reporter jest-junit"),
        ("npm test", "npm test: the JUnit reporter"),
        ("node --test", "node --test: node --test --test-reporter=junit"),
        ("./gradlew check", "gradle: junit = "),
        ("./mvnw verify", "maven: junit = "),
        ("vendor/bin/phpunit", "phpunit: phpunit --log-junit"),
        ("sh -c 'pytest -q'", "pytest: tests = "),
    ],
)
def test_a_known_runner_is_named_with_what_it_takes(command: str, said: str) -> None:
    assert junit_hint([command]).startswith(said)


@pytest.mark.parametrize(
    "command", ["make check", "true", "", "cargo build", "go build ./...", "echo latest-jester", "./contest"]
)
def test_of_any_other_command_nothing_is_said(command: str) -> None:
    assert junit_hint([command]) == ""


def test_each_runner_is_named_once() -> None:
    assert junit_hint(["go test ./a", "go test ./b", "ctest"]).count("; ") == 1
