"""Fuzz the filter language: `python -m tests.gates.portable.filters.fuzz [--seconds N] [--seed N] [--atheris CORPUS]`.

Whatever the text, nothing but the language's own errors comes out of it; and what is accepted survives printing, means
for a test what its explanation says, and answers for every test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path

from gates.portable.filters import (
    Described,
    Expression,
    FilterSyntaxError,
    compile_filter,
    leaf_reports,
    parse,
    to_text,
)
from gates.portable.filters.explain import explain, render

CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TESTS = [Described(about) for about in CASES["tests"].values()]
CORPUS = [case["text"] for kind in ("accepted", "refused") for case in CASES[kind]]
LONGEST = 2000


def check(text: str) -> bool:
    """Whether the text is an expression.

    Raises:
        AssertionError: one of the promises above does not hold.
    """
    try:
        tree = parse(text)
    except FilterSyntaxError as error:
        refused = error
    else:
        _check_accepted(tree)
        return True
    assert refused.problems
    assert all(0 <= problem.span.start <= problem.span.end <= len(text) for problem in refused.problems)
    str(refused).encode("utf-8")
    return False


def _check_accepted(tree: Expression) -> None:
    canonical = to_text(tree)
    assert parse(canonical) == tree, canonical
    compiled = compile_filter(tree)
    selection = compiled.select(TESTS)
    assert len(selection.column) == len(TESTS)
    leaf_reports(selection, TESTS)
    for test, value in zip(TESTS, selection.column, strict=True):
        explained = explain(compiled, test)
        assert {False: 0, None: 1, True: 2}[explained.answer] == value
        render(explained)


def mutated(dice: random.Random) -> str:
    """A text near those of the table of cases."""
    text: str = dice.choice(CORPUS)
    for _ in range(dice.randrange(1, 6)):
        at, to = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        other = dice.choice(CORPUS)
        begin, end = sorted(dice.randrange(len(other) + 1) for _ in range(2))
        letters = "()/\\=~#,!&|+-<> \n\0\u2028\udc80é日{}[]*?^$."
        text = dice.choice(
            [
                text[:at] + text[to:],
                text[:at] + other[begin:end] + text[at:],
                text[:at] + text[at:to] * dice.randrange(2, 5) + text[to:],
                text[:at] + dice.choice(letters) + text[at:],
                f"({text}) {dice.choice(['and', 'or', '-', 'and not', '+'])} {other}",
            ]
        )[:LONGEST]
    return text


def run(seconds: float, seed: int) -> tuple[int, int]:
    """How many texts were tried, and how many of them were expressions."""
    dice = random.Random(seed)
    tried = accepted = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = mutated(dice)
        try:
            accepted += check(text)
        except BaseException:
            sys.stderr.write(f"seed {seed}, text {tried}: {text!r}\n")
            raise
        tried += 1
    return tried, accepted


def run_guided(corpus: str, seconds: float) -> None:
    """The same, guided by coverage; needs atheris, which is no dependency of the project."""
    atheris = import_module("atheris")

    def one(data: bytes) -> None:
        check(data.decode("utf-8", "surrogateescape")[:LONGEST])

    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(CORPUS):
        (folder / f"case-{number}").write_text(text, encoding="utf-8")
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], corpus, f"-max_total_time={seconds:g}", f"-max_len={LONGEST}"], one)
    atheris.Fuzz()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Fuzz the filter language.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--atheris", metavar="CORPUS", help="a folder; guided by coverage")
    wanted = parser.parse_args()
    if wanted.atheris:
        run_guided(wanted.atheris, wanted.seconds)
        return 0
    sys.stdout.write(f"seed {wanted.seed}\n")
    tried, accepted = run(wanted.seconds, wanted.seed)
    sys.stdout.write(f"{tried:,} texts tried, {accepted:,} were expressions, no promise was broken\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
