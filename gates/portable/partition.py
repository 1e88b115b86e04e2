"""A part of the selected tests, so that several machines share them: `slice:m/n` and `hash:m/n`, as in nextest.

Pure, standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from .errors import UsageError
from .patterns import lazy_pattern
from .quick_dataclass import dataclass

_FORM = lazy_pattern(r"(slice|hash):(\d+)/(\d+)")


@dataclass(frozen=True)
class Partition:
    """Part number `part` of `parts`, counted from 1.

    Attributes:
        kind: `slice` sorts the ids and deals them out in turn, so the parts have equal sizes; `hash` uses each id
            alone, so a test stays in its part when others come and go.
    """

    kind: str
    part: int
    parts: int

    def members(self, ids: Sequence[str]) -> list[bool]:
        """Which of the tests are in this part. Every test is in exactly one part.

        The order of `ids` does not matter: machines may collect in different orders. Tests that share an id are in one
        part, because it is unknown which of them is the first on which machine.
        """
        if self.kind == "slice":
            numbers = {name: number for number, name in enumerate(sorted(set(ids)))}
        else:
            numbers = {name: _number(name) for name in set(ids)}
        return [numbers[name] % self.parts == self.part - 1 for name in ids]


def _number(name: str) -> int:
    # Not `hash`: that differs from process to process.
    return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def parse_partition(text: str) -> Partition:
    """Read `slice:1/3`.

    Raises:
        UsageError: it is not a partition.
    """
    match = _FORM.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= int(match[3]):
        raise UsageError(
            f"not a partition: {text!r}",
            expected="slice:m/n or hash:m/n, with m from 1 to n",
            remedy="for example slice:1/3",
        )
    return Partition(match[1], int(match[2]), int(match[3]))
