"""Comments that silence a tool: which are new, and which are gone. Reads tokens, so that a text is no comment. Pure."""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gates.analysis.strictness.rules import text_of
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange
from gates.results.weakening import Direction, Strength

ALIKE = 0.6
"""How much two lines of code must have in common, to be one that was edited."""

_MARKS = lazy_pattern(r"noqa|type:\s*ignore|pragma:\s*no\s*(?:cover|branch)|(?:pyright|ty|pyrefly|pylint|mypy|flake8|ruff)\s*:|nosec|fmt:\s*(?:off|skip)", re.IGNORECASE)  # fmt: skip
"""What a file must hold to be read at all."""

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("flake8: noqa", lazy_pattern(r"#\s*(?:flake8|ruff)\s*[:=]\s*noqa(?::\s*(?P<codes>[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*))?", re.IGNORECASE)),
    ("noqa", lazy_pattern(r"#\s*noqa\b(?:\s*:\s*(?P<codes>[A-Z]+\d+(?:\s*[,\s]\s*[A-Z]+\d+)*))?", re.IGNORECASE)),
    ("type: ignore", lazy_pattern(r"#\s*type:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")),
    ("pragma: no cover", lazy_pattern(r"#\s*pragma:\s*no\s*cover\b", re.IGNORECASE)),
    ("pragma: no branch", lazy_pattern(r"#\s*pragma:\s*no\s*branch\b", re.IGNORECASE)),
    ("pyright: ignore", lazy_pattern(r"#\s*pyright:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")),
    ("pyright: basic", lazy_pattern(r"#\s*pyright:\s*basic\b")),
    ("ty: ignore", lazy_pattern(r"#\s*(?:ty|pyrefly|zuban):\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")),
    ("pylint: disable", lazy_pattern(r"#\s*pylint:\s*disable(?:-next)?\s*=\s*(?P<codes>[\w\-, ]+)")),
    ("ruff: disable", lazy_pattern(r"#\s*ruff:\s*(?:disable|ignore|file-ignore)\s*\[(?P<codes>[^\]]*)\]")),
    ("pylint: skip-file", lazy_pattern(r"#\s*pylint:\s*skip-file\b")),
    ("pyright: report", lazy_pattern(r"#\s*pyright:\s*(?P<codes>report\w+)\s*=\s*(?:false|none)\b")),
    ("mypy: ignore-errors", lazy_pattern(r"#\s*mypy:\s*ignore-errors\b(?!\s*=\s*[Ff]alse)")),
    ("mypy: disable-error-code", lazy_pattern(r"#\s*mypy:\s*disable-error-code\s*=\s*[\"']?(?P<codes>[\w\-, ]+)")),
    ("nosec", lazy_pattern(r"#\s*nosec\b(?:[:\s]\s*(?P<codes>B\d+(?:[,\s]+B\d+)*))?")),
)  # fmt: skip
"""How a comment silences a tool, and what exactly it names. `# fmt: off` is not among them: it is about looks."""

_OF_FILES = frozenset(
    {
        "pylint: skip-file",
        "pyright: report",
        "flake8: noqa",
        "mypy: ignore-errors",
        "mypy: disable-error-code",
        "pyright: basic",
    }
)
_PYTHON = (".py", ".pyi")


class Silencer(NamedTuple):
    """A comment that silences a tool.

    Attributes:
        kind: how it does it.
        codes: what it names; empty for everything.
        code: the rest of its line, without spaces.
        row: the whole line, without spaces around it.
        reason: whether it says why.
        path: of the file.
        line: in the file.
    """

    kind: str
    codes: frozenset[str]
    code: str
    row: str
    reason: bool
    path: str
    line: int

    @property
    def blanket(self) -> bool:
        """Whether it silences everything on its line, or in its file."""
        return not self.codes and not self.kind.startswith("pragma")


def has_comments(path: str) -> bool:
    """Whether comments of a file are compared."""
    return path.endswith(_PYTHON)


def silencers(text: str, path: str) -> list[Silencer]:
    """The comments of a file that silence a tool; none if it cannot be read as Python."""
    found: list[Silencer] = []
    lines = text.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and _MARKS.search(token.string):
                line = token.start[0]
                row = lines[line - 1] if line <= len(lines) else ""
                found += _read(token.string, row, token.start[1], path, line)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        pass  # the part before the error counts, and the file itself fails elsewhere
    return found


def _marked(text: str) -> list[str]:
    """The lines that may have such a comment, without spaces around them."""
    return [line.strip() for line in text.split("\n") if "#" in line and _MARKS.search(line, line.index("#"))]


def _read(comment: str, row: str, at: int, path: str, line: int) -> Iterator[Silencer]:
    rest, code = comment, "".join(row[:at].split())
    matches = []
    for kind, pattern in _KINDS:
        match = pattern.search(rest)
        if match is not None:
            matches.append((kind, match))
            rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    reason = bool(re.search(r"[^\W\d_]{3,}", rest))
    for kind, match in matches:
        codes = match.groupdict().get("codes") or ""
        yield Silencer(
            kind, frozenset(code.strip() for code in re.split(r"[,\s]+", codes) if code.strip()), code, row.strip(), reason, path, line,
        )  # fmt: skip


class _Pair(NamedTuple):
    before: Silencer | None
    after: Silencer | None


def comment_changes(base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[SettingChange]:
    """New comments that silence a tool are weaker, and those that are gone are stronger.

    Args:
        base: path on the head → text on the base, of the files that changed.
        head: path → text on the head.
    """
    lines = [Counter(line for text in side.values() for line in _marked(text)) for side in (base, head)]
    changed = {*(lines[0] - lines[1]), *(lines[1] - lines[0])}
    if not changed:
        return
    old, new = (
        [
            one
            for path, text in side.items()
            if not changed.isdisjoint(_marked(text))
            for one in silencers(text, path)
            if one.row in changed
        ]
        for side in (base, head)
    )
    paths = {one.path for one in new} & base.keys()
    known = {path: Counter("".join(row.split("#")[0].split()) for row in base[path].split("\n")) for path in paths}
    for pair in _paired(old, new):
        yield from _said(pair, known)


def _paired(old: Sequence[Silencer], new: Sequence[Silencer]) -> Iterator[_Pair]:
    """Comments of both sides that belong together: on the same line of code anywhere, else on one that was edited."""
    before, after = list(old), list(new)
    for same in (
        lambda one: (one.kind, one.codes, one.code, one.path),
        lambda one: (one.kind, one.codes, one.code),
        lambda one: (one.kind, one.code, one.path),
        lambda one: (_family(one.kind), one.code, one.path),
    ):
        where = defaultdict(list)
        for one in before:
            where[same(one)].append(one)
        left = []
        for other in after:
            matches = where.get(same(other))
            if matches and (other.code or other.kind in _OF_FILES):
                one = matches.pop(0)
                before = [each for each in before if each is not one]
                yield _Pair(one, other)
            else:
                left.append(other)
        after = left
    for other in after:
        edited = _edited(other, before)
        if edited is not None:
            before = [each for each in before if each is not edited]
        yield _Pair(edited, other)
    for one in before:
        yield _Pair(one, None)


def _family(kind: str) -> str:
    """Comments that silence tools of the same purpose."""
    return "types" if kind in ("type: ignore", "pyright: ignore", "ty: ignore") else kind


def _edited(other: Silencer, before: Iterable[Silencer]) -> Silencer | None:
    """The comment of the same kind on the line that became this one."""
    candidates = [one for one in before if one.kind == other.kind and one.path == other.path]
    rated = [(difflib.SequenceMatcher(None, one.code, other.code).ratio(), one) for one in candidates]
    best = max(rated, key=lambda each: each[0], default=(0.0, None))
    return best[1] if best[0] >= ALIKE else None


def _said(pair: _Pair, known: Mapping[str, Counter[str]]) -> Iterator[SettingChange]:
    one, other = pair
    if one is None and other is not None:
        what = f"a new # {other.kind} silences {_named(other)}"
        yield _change(pair, "weaker", what, _strength(other, known))
    elif other is None and one is not None:
        yield _change(pair, "stronger", f"a # {one.kind} that silenced {_named(one)} is gone", "certain")
    elif one is not None and other is not None and one.codes != other.codes and one.kind == other.kind:
        if not other.codes or not one.codes:
            blanket = not other.codes
            what = f"# {other.kind} now silences {_named(other)} instead of {_named(one)}"
            yield _change(pair, "weaker" if blanket else "stronger", what, "certain")
            return
        for codes, direction, verb in (
            (other.codes - one.codes, "weaker", "now"),
            (one.codes - other.codes, "stronger", "no longer"),
        ):
            if codes:
                what = f"# {other.kind} {verb} silences {', '.join(sorted(codes))}"
                yield _change(pair, direction, what, "certain")  # type: ignore[arg-type] # one of two words


def _named(one: Silencer) -> str:
    if one.codes:
        return ", ".join(sorted(one.codes))
    if one.kind.startswith("pragma"):
        return "missing coverage"
    return "everything in the file" if one.kind in _OF_FILES or not one.code else "everything on the line"


def _strength(one: Silencer, known: Mapping[str, Counter[str]]) -> Strength:
    """A comment on new code that names what it silences is a hint if it also says why, or in a test or a new file.

    Code that was there without it was checked, and is no longer: that is certain. A test may have to do what a type
    checker or a linter forbids.
    """
    was_there = one.code and known.get(one.path, Counter())[one.code]
    if one.blanket or one.kind in _OF_FILES or was_there:
        return "certain"
    is_new_file = one.path not in known  # nothing in it was checked before
    return "hint" if one.reason or is_new_file or (_is_test(one.path) and one.codes) else "certain"


def _is_test(path: str) -> bool:
    parts = path.split("/")
    return any(part in ("tests", "test", "testing") for part in parts[:-1]) or bool(
        re.fullmatch(r"(test_.*|.*_test|conftest)\.pyi?", parts[-1])
    )


def _change(pair: _Pair, direction: Direction, what: str, strength: Strength) -> SettingChange:
    one, other = pair
    place = other or one
    assert place is not None
    return SettingChange(
        tool="comment",
        key=f"# {place.kind}",
        path=place.path,
        line=other.line if other is not None else 0,
        before=text_of(one.row) if one is not None else "",
        after=text_of(other.row) if other is not None else "",
        direction=direction,
        what=what,
        strength=strength if direction == "weaker" else "certain",
    )
