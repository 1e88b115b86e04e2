from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from gates.commands.history import history_of
from gates.commands.plot import Choice, plot
from gates.commands.report import render_trend
from gates.files.digest import FileDigest
from gates.portable.errors import UsageError
from gates.portable.values import PLOTS, TestOutcome
from gates.results import Run
from gates.results.files import COMPARISON_FILE, RUN_FILE, TESTS_FILE, encoded, to_json
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test
from tests.gates.render.plots.test_before_after import a_change, a_comparison


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two recorded runs and the reports of a third, which was compared with its base."""
    monkeypatch.setenv("GATES_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    kept = history_of(folder)
    kept.path.parent.mkdir(parents=True)
    for number, outcome in enumerate((TestOutcome.PASSED, TestOutcome.FAILED)):
        run = a_run(id=str(number), started=1000.0 + number, gates=(a_gate(),))
        kept.record(run, [a_test("one", outcome)])
    write(folder / "reports", a_run(id="now", gates=(a_gate(started=NOON),)))
    return folder


def write(folder: Path, run: Run, *, compared: bool = True) -> None:
    folder.mkdir()
    files = {TESTS_FILE: encoded(a_test("one")) + b"\n"}
    if compared:
        files[COMPARISON_FILE] = to_json(a_comparison(a_change("one"), head_run=run.id))
    for name, data in files.items():
        (folder / name).write_bytes(data)
    run = msgspec.structs.replace(run, files={name: FileDigest.of(data) for name, data in files.items()})
    (folder / RUN_FILE).write_bytes(to_json(run))


def title_of(svg: str) -> str:
    return ET.fromstring(svg)[0].text or ""


TITLES = {
    "waterfall": "Gates of kv-gates over time",
    "slowest": "Slowest tests of kv-gates",
    "trend": "Times of gates, run by run",
    "flakes": "Tests that failed or flaked, run by run",
    "before-after": "Times: main and feature",
}


@pytest.mark.parametrize("name", PLOTS)
def test_every_picture_is_drawn(root: Path, name: str) -> None:
    assert title_of(plot(root, name, None, root / "reports", Choice())) == TITLES[name]


def test_a_test_can_be_drawn_over_its_runs(root: Path) -> None:
    shown = plot(root, "trend", None, root / "reports", Choice(test="::one"))
    assert f"{a_test('one').id} in test" in shown


@pytest.mark.parametrize(
    ("name", "run", "choice", "told"),
    [
        ("trend", Path("reports"), Choice(), "this picture shows the history, not one run"),
        ("waterfall", None, Choice(runs=3), "this picture shows one run"),
        ("slowest", None, Choice(test="one"), "this picture shows one run"),
        ("flakes", None, Choice(test="one"), "this picture shows all tests"),
        ("trend", None, Choice(test="two"), "no recorded run has such a test"),
    ],
)
def test_what_a_picture_cannot_show_is_refused(
    root: Path, name: str, run: Path | None, choice: Choice, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        plot(root, name, run, root / "reports", choice)


def test_a_run_that_was_not_compared_has_no_before_and_after(root: Path) -> None:
    write(root / "other", a_run(id="other"), compared=False)
    with pytest.raises(UsageError, match="this run was not compared with a base"):
        plot(root, "before-after", root / "other", root / "reports", Choice())


def test_the_trend_of_a_run_is_against_the_runs_before_it(root: Path) -> None:
    shown = render_trend(root, root / "reports", "terminal")
    assert "against 2 runs before it" in shown
    assert "test  1.50s  1.50s" in shown
    assert render_trend(root, root / "reports", "markdown").startswith("## kv-gates now")
    with pytest.raises(UsageError, match="a trend has no such form"):
        render_trend(root, root / "reports", "sarif")
