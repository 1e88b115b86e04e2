"""What it costs a changed test that its assertions are recorded: its own time with and without, in turns."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, interleave, need_modules

GOAL = 1.3
KINDS = {
    "asserts": "200 plain assertions, one after the other",
    "calls": "50,000 calls of a small function, and one assertion",
    "loop": "an assertion in a loop of 20,000 rounds that calls what it checks",
    "tight": "an assertion in a loop of 20,000 rounds that does nothing else",
    "unittest": "2,000 calls of assertEqual",
    "numpy": "numpy's own assertions on 50 arrays",
    "raises": "500 times pytest.raises",
}
CLAIMS = tuple(
    Claim(
        name=f"recording-{kind}",
        what=f"a changed test with its assertions recorded, against without: {what}",
        goal=GOAL,
    )
    for kind, what in KINDS.items()
)
REPEATS = 5
ROUNDS = 9

_BODIES = {
    "asserts": "\n".join(f"    assert double({n}) == {2 * n}" for n in range(200)),
    "calls": "    total = 0\n    for n in range(50_000):\n        total += double(n)\n    assert total > 0",
    "loop": "    for n in range(20_000):\n        assert double(n) == n + n",
    "tight": "    for n in range(20_000):\n        assert n >= 0",
    "unittest": "    case = unittest.TestCase()\n    for n in range(2000):\n        case.assertEqual(double(n), n + n)",
    "numpy": "    for n in range(50):\n        rows = np.arange(2000.0) + n\n        np.testing.assert_allclose(rows * 2, rows + rows)",
    "raises": "    for n in range(500):\n        with pytest.raises(ZeroDivisionError):\n            n / 0",
}


def source() -> str:
    """The test file."""
    parts = ["import unittest\n\nimport numpy as np\nimport pytest\n\n\ndef double(n):\n    return n * 2\n"]
    parts.append("def test_first():\n    assert np.ones(3).sum() == 3\n")  # it pays for what every first test pays for
    for kind, body in _BODIES.items():
        parts.append(f"@pytest.mark.parametrize('time', range({REPEATS}))\ndef test_{kind}(time):\n{body}\n")
    return "\n\n".join(parts)


class Streams:
    """Reads the seconds of the tests of each kind from what a run wrote."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = inbox
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def begin(self) -> None:
        """Empty the inbox."""
        self.inbox.mkdir(exist_ok=True)
        for path in self.inbox.iterdir():
            path.unlink()

    def end(self) -> None:
        """Take the times of one run."""
        for path in self.inbox.glob("pytest-*.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                record: dict[str, Any] = json.loads(line)
                if record["type"] == "test":
                    kind = record["id"].partition("::test_")[2].partition("[")[0]
                    self.seconds[kind].append(record["duration"])


def side(place: Workplace, folder: Path, name: str, told: Path | None) -> tuple[Contestant, Streams]:
    """A pytest as the runner starts it, with or without a request to record."""
    from gates.portable.settings.plugin import PluginSettings
    from gates.run.inject import injected, write_injection

    work = place.folder / name
    work.mkdir()
    streams = Streams(work / "inbox")
    settings = PluginSettings(root=str(folder), assertions_file=str(told or ""))
    variables = injected(place.environment, write_injection(work), streams.inbox, settings)
    kept = {name: text for name, text in variables.items() if not name.startswith("TOX")}
    command = (
        "env",
        *(f"{name}={text}" for name, text in kept.items()),
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
    )
    before: Callable[[], None] = streams.begin
    return Contestant(name=name, command=command, cwd=folder, before=before, after=streams.end), streams


def measure(place: Workplace) -> dict[str, Figures]:
    """Both ways in turns, the quickest of each: what disturbs a test of a millisecond only makes it slower. The first run compiles the file."""
    need_modules("pytest", "numpy")
    from gates.analysis.recorded.watch import choose

    folder = place.folder / "tests"
    folder.mkdir()
    text = source()
    (folder / "test_kinds.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    _, watch = choose({}, {"test_kinds.py": text.encode()}, ["test_kinds.py"])
    told = place.folder / "assertions.json"
    told.write_text(json.dumps(watch.to_json()), encoding="utf-8")
    sides = [side(place, folder, "recorded", told), side(place, folder, "plain", None)]
    environment = place.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    interleave([one for one, _ in sides], environment, rounds=ROUNDS, patience=place.patience)
    recorded, plain = (streams.seconds for _, streams in sides)
    return {
        f"recording-{kind}": Figures(
            ours=min(recorded[kind]),
            other=min(plain[kind]),
            runs=len(plain[kind]),
        )
        for kind in KINDS
    }


SUBJECT = Subject(name="recording", claims=CLAIMS, measure=measure)
"""Of one test, with its set-up and tear-down."""
