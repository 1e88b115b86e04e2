"""What the reports of a large run cost: their size and the time to write them, against the tests that they are made from."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, added_cpu, interleave, need_modules
from benchmarks.junit import Measured
from benchmarks.report_sides import FAILING, OUTPUT, TESTS, write_sample
from gates.render.size_limit import MOST
from gates.results.files import TESTS_FILE

ROUNDS = 7
SHAPE = f"{TESTS:,} tests, each {FAILING}th failing with {OUTPUT:,} characters of output"

HTML_BYTES = Claim(
    name="html-bytes",
    what=f"bytes of the HTML report of {SHAPE}, against their `tests.jsonl`",
    goal=0.25,
    unit="bytes",
)
HTML = Claim(name="html-write", what=f"writing the HTML report of {SHAPE}, against reading `tests.jsonl`", goal=1.5)
MARKDOWN = Claim(
    name="markdown-write", what=f"writing the Markdown of {SHAPE}, against reading `tests.jsonl`", goal=0.5
)
MARKDOWN_BYTES = Claim(
    name="markdown-bytes",
    what=f"bytes of the Markdown of {SHAPE}, against the {MOST:,} that a hosting service accepts",
    goal=1.0,
    unit="bytes",
)
HISTORY = Claim(
    name="history-record",
    what=f"recording a test in the history, in a run of {TESTS:,} that it knows, against a tiny test of bare pytest",
    goal=0.05,
)
TINY = 2000


def measure(place: Workplace) -> dict[str, Figures]:
    """Each side in a process that measures its own processor time: neither its start nor what it reads first is included."""
    folder = place.folder / "run"
    folder.mkdir()
    write_sample(folder)
    said = place.folder / "said.json"
    found: dict[str, list[float]] = {}
    need_modules("pytest")
    sides = [
        Contestant(
            name=name,
            command=(sys.executable, "-m", "benchmarks.report_sides", str(said), name, str(folder)),
            cwd=Path(__file__).parents[1],
            after=lambda name=name: found.setdefault(name, []).append(  # type: ignore[misc]
                msgspec.json.decode(said.read_bytes(), type=Measured).seconds
            ),
        )
        for name in ("read", "html", "markdown", "history")
    ]
    pytests = [_pytest(place.folder / name, tests) for name, tests in (("one", 1), ("tiny", 1 + TINY))]
    environment = place.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    samples = interleave([*sides, *pytests], environment, rounds=ROUNDS, patience=place.patience, warm=0)
    tiny = added_cpu(samples["tiny"], samples["one"]) / TINY
    seconds = {name: statistics.median(times) for name, times in found.items()}
    size = {path.name: path.stat().st_size for path in folder.iterdir()}

    def against_reading(name: str) -> Figures:
        return Figures(ours=seconds[name], other=seconds["read"], runs=len(found[name]))

    return {
        HTML_BYTES.name: Figures(ours=size["summary.html"], other=size[TESTS_FILE], runs=1),
        HTML.name: against_reading("html"),
        MARKDOWN.name: against_reading("markdown"),
        MARKDOWN_BYTES.name: Figures(ours=size["summary.md"], other=MOST, runs=1),
        HISTORY.name: Figures(ours=seconds["history"] / TESTS, other=tiny, runs=len(found["history"])),
    }


def _pytest(folder: Path, tests: int) -> Contestant:
    """Bare pytest on tests that do nothing."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    text = "import pytest\n\n\n@pytest.mark.parametrize('n', range({}))\ndef test_tiny(n):\n    assert n >= 0\n"
    (folder / "test_tiny.py").write_text(text.format(tests), encoding="utf-8")
    return Contestant(
        name=folder.name, command=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"), cwd=folder
    )


SUBJECT = Subject(name="reports", claims=(HTML_BYTES, HTML, MARKDOWN, MARKDOWN_BYTES, HISTORY), measure=measure)
