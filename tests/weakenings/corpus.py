"""Read the corpus: one file a case, which holds both sides of a small project as a comparison shows them.

The first line says who should see it and what is true:

    claims: Any exception passes, a slip in the test as well.

Each file of the project follows its heading, `=== PATH`. A line begins with a blank where it is on both sides, with `-`
where it is on the base alone, and with `+` where it is on the head alone. A file without a line is not on that side,
unless its heading ends with `| empty on head`.

A case in `cases/weakenings` checks less on the head. One in `cases/twins` looks as if it did, and does not.
The code under test is the module `shop`, and its tests are in `tests`, so that many cases can be put into one project.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args

import msgspec

Part = Literal["claims", "ran", "outcomes", "source", "comments", "settings"]
"""Who should see it: what tests say, what ran, how tests ended, the code under test, comments, settings."""

CASES = Path(__file__).with_name("cases")
EMPTY = "| empty on head"
ALONE = "alone"
"""Behind the part: the case changes the whole session of pytest, so that it needs one of its own."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a small project.

    Attributes:
        name: of its file.
        weaker: whether the head checks less.
        part: who should see it.
        alone: whether it needs a session of pytest of its own.
        truth: what is true, in one sentence.
        base: texts of the base by path.
        head: texts of the head by path.
    """

    name: str
    weaker: bool
    part: Part
    alone: bool
    truth: str
    base: dict[str, str]
    head: dict[str, str]

    @property
    def runs(self) -> bool:
        """Whether the tests of the project can be run: it has some, and no settings of its own."""
        paths = self.base.keys() | self.head.keys()
        return self.part not in ("settings", "comments") or self.alone or all(_plain(path) for path in paths)

    @property
    def mark(self) -> str:
        """What stands for the case in names of modules."""
        return self.name.replace("-", "_")


def load(folder: Path = CASES) -> tuple[Case, ...]:
    """All cases, by name; weakenings first."""
    return tuple(
        _case(path, weaker=kind == "weakenings")
        for kind in ("weakenings", "twins")
        for path in sorted((folder / kind).glob("*.txt"))
    )


def placed(case: Case, files: dict[str, str]) -> dict[str, str]:
    """The files of one side where many cases share a project: each has its own module, and its own folder of tests.

    What the module defines gets another name as well: a test of one case may not look like the moved test of another.
    """
    code = "".join(text for side in (case.base, case.head) for path, text in side.items() if path == "shop.py")
    defined = sorted(set(re.findall(r"^(?:def |class )?(\w+)(?=[(:]| = )", code, re.MULTILINE)) - {"if", "else"})
    names = re.compile(rf"(?:(?<![.\w])|(?<=\bshop\.))({'|'.join(defined)})\b") if defined else None
    return {_its(path, case, None): _its(text, case, names) for path, text in files.items()}


def _its(text: str, case: Case, names: re.Pattern[str] | None) -> str:
    text = names.sub(rf"\1_{case.mark}", text) if names is not None else text
    text = re.sub(r"\bshop(?=\b|_)", f"shop_{case.mark}", text)
    return re.sub(r"\btests(?=[/.])", lambda found: f"tests{text[found.end()]}{case.mark}", text)


def _plain(path: str) -> bool:
    return path.startswith("tests/test_")


def _case(path: Path, *, weaker: bool) -> Case:
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    words, _, truth = first.partition(": ")
    part, _, alone = words.partition(" ")
    if part not in get_args(Part) or alone not in ("", ALONE) or not truth:
        raise ValueError(f"{path}: the first line is `PART: SENTENCE` with one of {', '.join(get_args(Part))}")
    base: dict[str, str] = {}
    head: dict[str, str] = {}
    for block in re.split(r"^=== ", rest, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        name = title.removesuffix(EMPTY).strip()
        lines = body.removesuffix("\n").split("\n")
        if any(line and line[0] not in " +-" for line in lines):
            raise ValueError(f"{path}: {name}: a line begins with a blank, `-` or `+`")
        for side, signs in ((base, " -"), (head, " +")):
            kept = [line[1:] for line in lines if (line[:1] or " ") in signs]
            if any(kept):
                side[name] = "\n".join(kept).strip("\n") + "\n"
        if title.endswith(EMPTY):
            head[name] = ""
    return Case(
        name=path.stem, weaker=weaker, part=part, alone=bool(alone), truth=truth, base=base, head=head,  # type: ignore[arg-type]
    )  # fmt: skip
