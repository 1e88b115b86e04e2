"""The folder to which the pytest processes of a gate write: read while they run, and combined."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gates.portable.failure_signature import normalise
from gates.portable.filters.candidate import Described
from gates.portable.regular import open_file
from gates.results import LeftOut, TestResult, TestWarning, TestWarnings
from gates.results.artifacts import KEPT
from gates.run.test_process import PERIOD, PytestProcess

if TYPE_CHECKING:
    from gates.run.masking import StructMask


class Inbox:
    """The folder to which the pytest processes of one gate write."""

    def __init__(self, gate: str, folder: Path, mask: StructMask) -> None:
        self.gate, self.folder = gate, folder
        self.processes: dict[Path, PytestProcess] = {}
        self._mask = mask
        self.moved = False  # whether the last poll found anything
        self._landed = 0
        self._begun: list[tuple[int, dict[str, Any]]] = []

    def poll(self) -> list[TestResult]:
        """Results since the last call."""
        for path in sorted(self.folder.glob("pytest-*.jsonl")):
            if path not in self.processes:
                self.processes[path] = PytestProcess(self.gate, len(self.processes), path, self._mask)
        landed: list[TestResult] = []
        self.moved = False
        for process in self.processes.values():
            with open_file(process.path) as file:
                file.seek(process.offset)
                data = file.read()
            end = data.rfind(b"\n") + 1
            process.offset += end
            self.moved = self.moved or end > 0
            hides = self._mask.touches(data[:end])
            for line in data[:end].splitlines():
                result = process.take(line, hides=hides)
                if process.begun is not None:
                    self._begun.append((self._landed + len(landed), process.begun))
                    process.begun = None
                if result is not None:
                    landed.append(result)
        self._landed += len(landed)
        return landed

    def settle(self, why: str) -> list[TestResult]:
        """The last results, including one for each test that never ended."""
        landed = self.poll()
        ran = {(process.start.get("rootdir"), test) for process in self.processes.values() for test in process.judged}
        for process in self.processes.values():
            process.leave_to(ran)
            landed += process.settle(why)
        return landed

    def left_out(self) -> tuple[LeftOut, ...]:
        """What the project left out of all sessions, the largest number first."""
        total = sum((process.left_out for process in self.processes.values()), start=Counter[tuple[str, bool]]())
        names = dict.fromkeys(who for (who, _), _ in total.most_common())
        return tuple(LeftOut(who=who, tests=total[who, False], files=total[who, True]) for who in names)

    def warnings(self) -> TestWarnings | None:
        """The warnings of all processes, grouped by similarity; None if there was no process."""
        if not self.processes:
            return None
        groups: dict[tuple[str, str, str], TestWarning] = {}
        for process in self.processes.values():
            for one in process.warned:
                key = (one.category, normalise(one.message), one.file)
                same = groups.get(key)
                groups[key] = one if same is None else msgspec.structs.replace(same, count=same.count + one.count)
        return TestWarnings(
            count=sum(group.count for group in groups.values()),
            groups=tuple(groups.values())[:KEPT],
            unknown=""
            if all(process.exit_code is not None for process in self.processes.values())
            else "a pytest process ended before it could report all of them",
        )

    def begun(self) -> list[tuple[int, dict[str, Any]]]:
        """Records of tests that started since the last call, each with the number of results before it."""
        found, self._begun = self._begun, []
        return found

    def slow(self, now: float) -> list[tuple[str, float]]:
        """Running tests that have completed another period, with their seconds so far."""
        found = []
        for process in self.processes.values():
            for test, record in process.running.items():
                period = float(record.get("slow") or PERIOD)
                periods = int(max(0.0, now - float(record.get("time") or now)) // period)
                if periods > record.setdefault("told", 0):
                    record["told"] = periods
                    found.append((test, periods * period))
        return found

    @property
    def expected(self) -> int:
        """The number of tests collected so far."""
        return sum(len(process.collected) for process in self.processes.values())

    @property
    def described(self) -> list[Described]:
        """Everything known about each test, if requested."""
        from gates.portable.filters.candidates import of_descriptions

        return [test for process in self.processes.values() for test in of_descriptions(process.described)]
